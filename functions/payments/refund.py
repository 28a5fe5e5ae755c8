"""On payment.refund-requested: give the money back."""

import functions_framework

from events.catalogue import RefundRequested
from functions.payments import refunds, repository
from functions.payments.domain import Status
from functions.shared.eventing.reaction import reacts_to


@functions_framework.http
@reacts_to(RefundRequested)
def refund_payment(event: RefundRequested) -> None:
    """Refund, then record it. Delivered again, it is the same refund to the provider."""
    payment = repository.find(event.id)
    if payment.status == Status.REFUNDING:
        refunds.refund(payment)
        repository.update(payment.id, lambda payment, _order: payment.mark_refunded())
