"""On payment.failed: cancel the order."""

import functions_framework

from events.catalogue import PaymentFailed
from functions.orders import repository
from functions.orders.domain import Order
from functions.orders.messages import cancelled
from functions.shared.eventing.reaction import reacts_to


@functions_framework.http
@reacts_to(PaymentFailed)
def fail_payment(event: PaymentFailed) -> None:
    """An order has one payment; when that failed, its ticket is free for others."""
    repository.update(event.order_id, Order.unpaid, lambda order: cancelled(order, event.reason))
