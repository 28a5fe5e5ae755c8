"""On payment.created: complete the order."""

import functions_framework

from events.catalogue import OrderCompleted, PaymentCreated
from functions.orders import repository
from functions.orders.domain import Order
from functions.orders.messages import state
from functions.shared.eventing.reaction import reacts_to


@functions_framework.http
@reacts_to(PaymentCreated)
def complete_order(event: PaymentCreated) -> None:
    """The ticket is the buyer's, unless the order was cancelled meanwhile: payments hears of that and refunds."""
    repository.update(event.order_id, Order.paid, lambda order: state(OrderCompleted, order))
