"""On payment.started: note that the buyer is paying."""

import functions_framework

from events.catalogue import OrderAwaitingPayment, PaymentStarted
from functions.orders import repository
from functions.orders.domain import Order
from functions.orders.messages import state
from functions.shared.eventing.reaction import reacts_to


@functions_framework.http
@reacts_to(PaymentStarted)
def await_payment(event: PaymentStarted) -> None:
    """The order waits for its payment, unless more is known by now."""
    repository.update(event.order_id, Order.awaiting_payment, lambda order: state(OrderAwaitingPayment, order))
