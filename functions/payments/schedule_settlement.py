"""On payment.started: schedule its settlement. No timer runs here: the reply itself waits in the log."""

import os
from datetime import timedelta

import functions_framework

from events.catalogue import PaymentOverdue, PaymentStarted
from functions.shared.clock import now
from functions.shared.eventing.reaction import Reply, reacts_to


@functions_framework.http
@reacts_to(PaymentStarted)
def schedule_settlement(payment: PaymentStarted) -> Reply:
    """Reply payment.overdue, to be delivered when the request that started the payment has long ended."""
    delay = timedelta(seconds=float(os.environ["SETTLEMENT_DELAY_SECONDS"]))
    overdue = PaymentOverdue(id=payment.id, order_id=payment.order_id)
    return Reply(overdue, event_id=payment.id, not_before=now() + delay)
