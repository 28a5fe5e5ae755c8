"""A ticket's public form, in responses and in events."""

from typing import TypeVar

from events.catalogue import TicketState
from functions.shared.money import to_dollars
from functions.tickets.domain import Ticket

State = TypeVar("State", bound=TicketState)


def state(kind: type[State], ticket: Ticket) -> State:
    """Return the ticket's whole public state, as this kind of message."""
    return kind(
        id=ticket.id,
        version=ticket.version,
        title=ticket.title,
        price=to_dollars(ticket.price),
        user_id=ticket.user_id,
        order_id=ticket.order_id,
    )
