"""On payment.created: complete the order."""

import functions_framework

from events.catalogue import OrderCompleted, PaymentCreated
from functions.orders import repository
from functions.orders.messages import state
from functions.shared.clock import now
from functions.shared.eventing.reaction import reacts_to


@functions_framework.http
@reacts_to(PaymentCreated)
def complete_order(event: PaymentCreated) -> None:
    """Complete the order unless it was cancelled meanwhile: payments receives order.cancelled and refunds."""
    repository.update(event.order_id, lambda order: order.mark_paid(now()), lambda order: state(OrderCompleted, order))
