"""On payment.failed: cancel the order."""

import functions_framework

from events.catalogue import PaymentFailed
from functions.orders import repository
from functions.orders.messages import cancellation
from functions.shared.clock import now
from functions.shared.eventing.reaction import reacts_to


@functions_framework.http
@reacts_to(PaymentFailed)
def fail_payment(event: PaymentFailed) -> None:
    """Cancel the order, which releases its ticket: an order has one payment."""
    repository.update(event.order_id, lambda order: order.payment_failed(now(), event.reason), cancellation)
