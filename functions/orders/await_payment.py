"""On payment.started: mark the order as awaiting its payment."""

import functions_framework

from events.catalogue import OrderAwaitingPayment, PaymentStarted
from functions.orders import repository
from functions.orders.messages import state
from functions.shared.clock import now
from functions.shared.eventing.reaction import reacts_to


@functions_framework.http
@reacts_to(PaymentStarted)
def await_payment(event: PaymentStarted) -> None:
    """Mark the order as awaiting its payment, unless it is paid or cancelled by now."""
    repository.update(
        event.order_id, lambda order: order.await_payment(now()), lambda order: state(OrderAwaitingPayment, order)
    )
