"""On every order.* event: store what payments need to know of the order."""

import functions_framework

from events.catalogue import (
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderRenewed,
    OrderState,
)
from functions.payments import repository
from functions.payments.domain import Order
from functions.shared.eventing.reaction import reacts_to
from functions.shared.money import to_cents


@functions_framework.http
@reacts_to(OrderCreated, OrderAwaitingPayment, OrderCompleted, OrderRenewed, OrderCancelled)
def replicate_order(order: OrderState) -> None:
    """Store the highest version seen. A cancelled order's charge is to go back, and what is pending to be settled."""
    price = to_cents(order.ticket.price)
    repository.replicate(Order(order.id, order.user_id, order.status, order.expires_at, price, order.version))
