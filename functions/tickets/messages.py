"""A ticket's public form, in responses and in events."""

from typing import TypeVar

from events.catalogue import OwnTicket, TicketState
from functions.shared.money import to_dollars
from functions.tickets.domain import Ticket

State = TypeVar("State", bound=TicketState)


def state(kind: type[State], ticket: Ticket, **more: object) -> State:
    """Return the ticket's whole public state, as this kind of message; `more` are the fields that this kind adds."""
    return kind(
        id=ticket.id,
        version=ticket.version,
        title=ticket.title,
        price=to_dollars(ticket.price),
        user_id=ticket.user_id,
        order_id=ticket.order_id,
        **more,
    )


def own(ticket: Ticket) -> OwnTicket:
    """Return a ticket as its seller sees it."""
    return state(OwnTicket, ticket, status=ticket.status.value)
