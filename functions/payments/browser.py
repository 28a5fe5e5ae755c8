"""A payment that the buyer's browser confirms, with one card after another until its order ends."""

from functools import partial

from functions.payments import provider, repository
from functions.payments.domain import Payment, PaymentInProgress
from functions.payments.intent import IntentStatus
from functions.payments.unsure import unsure
from functions.shared.web.http import Response, created
from functions.shared.web.idempotency import save_response


def let_confirm(payment: Payment) -> Response:
    """Return 201 `{id, status, clientSecret}`, the same as long as the payment has no outcome."""
    with unsure(payment):
        intent = provider.retrieve_intent(payment) if payment.intent_id else provider.create_intent(payment)
        if outcome := intent.outcome:  # before the webhook brings it
            repository.update(payment.id, lambda payment, order: payment.settle(outcome, order)).reject_second()
        if intent.status == IntentStatus.PROCESSING:
            raise PaymentInProgress
        status = IntentStatus.REQUIRES_PAYMENT_METHOD.value
        response = created({"id": payment.id, "status": status, "clientSecret": intent.client_secret})
        stored = repository.store_intent_and(payment, intent.id, partial(save_response, response))
        return response if stored.is_pending and stored.intent_id == intent.id else stored.reject_second()
