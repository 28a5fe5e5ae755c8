"""On every order.* event: keep what payments need to know of the order."""

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
    """Keep the highest version seen. What was charged for a cancelled order is to go back."""
    price = to_cents(order.ticket.price)
    repository.replicate(Order(order.id, order.user_id, order.status, order.expires_at, price, order.version))
