"""On ticket.created, ticket.updated, ticket.deleted: replicate the ticket."""

import functions_framework

from events.catalogue import TicketCreated, TicketDeleted, TicketUpdated
from functions.orders import tickets
from functions.orders.domain import Ticket
from functions.shared.eventing.reaction import reacts_to
from functions.shared.money import to_cents


@functions_framework.http
@reacts_to(TicketCreated, TicketUpdated, TicketDeleted)
def replicate_ticket(event: TicketCreated | TicketUpdated | TicketDeleted) -> None:
    """Store the highest version seen; a deleted ticket leaves a tombstone, so that no late update revives it."""
    if isinstance(event, TicketDeleted):
        tickets.replicate(Ticket(event.id, event.version, deleted=True))
    else:
        tickets.replicate(Ticket(event.id, event.version, event.title, to_cents(event.price)))
