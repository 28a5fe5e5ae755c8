"""An order's public form, in responses and in events."""

from typing import TypeVar

from events.catalogue import OrderCancelled, OrderedTicket, OrderState
from functions.orders.domain import Order
from functions.shared.money import to_dollars

State = TypeVar("State", bound=OrderState)


def state(kind: type[State], order: Order, **more: str) -> State:
    """Return the order's whole public state, as this kind of message; `more` are the fields that this kind adds."""
    ticket = OrderedTicket(id=order.ticket.id, title=order.ticket.title, price=to_dollars(order.ticket.price))
    return kind(
        id=order.id,
        version=order.version,
        status=order.status.value,
        user_id=order.user_id,
        expires_at=order.expires_at,
        ticket=ticket,
        **more,
    )


def cancellation(order: Order, reason: str) -> OrderCancelled:
    """Return the event that tells of a cancelled order."""
    return state(OrderCancelled, order, reason=reason)
