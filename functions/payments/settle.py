"""On payment.overdue: settle what a process that died left behind."""

import functions_framework

from events.catalogue import PaymentOverdue
from functions.payments import provider, repository
from functions.shared.eventing.reaction import reacts_to


@functions_framework.http
@reacts_to(PaymentOverdue)
def settle_payment(event: PaymentOverdue) -> None:
    """Ask the provider what came of a payment that is still pending, and record that; never charge."""
    payment = repository.find(event.id)
    if payment.is_pending:
        outcome = provider.find(payment)
        repository.update(payment.id, lambda payment, order: payment.settled(outcome, order))
