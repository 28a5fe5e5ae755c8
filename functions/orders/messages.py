"""An order's public form, in responses and in events."""

from typing import TypeVar

from events.catalogue import OrderCancelled, OrderDetail, OrderedTicket, OrderState, OrderStep
from functions.orders.domain import Order, Transition
from functions.shared.money import to_dollars

State = TypeVar("State", bound=OrderState)


def state(kind: type[State], order: Order, **more: object) -> State:
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


def cancellation(order: Order) -> OrderCancelled:
    """Return the event of a cancelled order, with the reason that its history ends with."""
    return state(OrderCancelled, order, reason=order.history[-1].reason or "")


def with_history(order: Order) -> OrderDetail:
    """Return the order as it is shown alone."""
    return state(OrderDetail, order, history=[_step(transition) for transition in order.history])


def _step(transition: Transition) -> OrderStep:
    return OrderStep(status=transition.status.value, at=transition.at, reason=transition.reason)
