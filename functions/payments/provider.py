"""The payment provider: an intent is created without a card, confirmed later, and has one end, succeeded or canceled.

Errors not named below are of Stripe's library: the provider does not answer, or rejects our request.
"""

from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.payments.domain import Payment
from functions.payments.intent import CURRENCY, NOT_CHARGED, Decline, Intent, IntentStatus, Outcome
from functions.payments.stripe_client import client, stripe, to_intent
from functions.shared.errors import NotYet

if TYPE_CHECKING:
    from stripe.params import PaymentIntentConfirmParams, PaymentIntentCreateParams

UNEXPECTED_STATE = "payment_intent_unexpected_state"


class NotSettledYet(NotYet):
    """The provider itself does not know yet."""

    message = "Payment is not settled yet"


def create_intent(payment: Payment) -> Intent:
    """Create the payment's intent without a card; asked again within a day, return the same one, by its key.

    After a fault of the provider a browser's payment gets one without the key. An intent whose id is not stored is
    given to no buyer, so it cannot be confirmed.
    """
    metadata = {"payment": payment.id, "order": payment.order_id}
    params: PaymentIntentCreateParams = {"amount": payment.amount, "currency": CURRENCY, "metadata": metadata}
    params["payment_method_types"] = ["card"]  # type: ignore[typeddict-unknown-key]  # see API_VERSION
    intents = client().v1.payment_intents
    try:
        return to_intent(intents.create(params, {"idempotency_key": payment.id}))
    except stripe.APIError as error:
        is_fault = error.http_status is not None and error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if not (is_fault and payment.is_browsers):  # a request with a token has no time for another call
            raise
        # The provider replays a fault of its own under its key for a day.
        return to_intent(intents.create(params))


def discard(create: Callable[[], Intent]) -> None:
    """Cancel the intent of a payment that was not stored. If that fails, the intent stays open, but has no card."""
    with suppress(stripe.StripeError):
        client().v1.payment_intents.cancel(create().id)


def retrieve_intent(payment: Payment) -> Intent:
    """Return the payment's intent as it is now.

    Raises:
        AmountDiffers: it is for another amount.
    """
    intent = to_intent(client().v1.payment_intents.retrieve(payment.intent_id))
    payment.is_of(intent)
    return intent


def confirm(payment: Payment, token: str) -> Outcome:
    """Charge a card without asking the buyer again: one that asks for 3-D Secure is declined. A decline is the end.

    Raises:
        NotSettledYet: the card is being charged.
    """
    params: PaymentIntentConfirmParams = {"error_on_requires_action": True}
    if token.startswith("pm_"):
        params["payment_method"] = token
    else:  # documented for servers, but missing in the library's types
        params["payment_method_data"] = {"type": "card", "card": {"token": token}}  # type: ignore[typeddict-unknown-key]
    try:
        intent = client().v1.payment_intents.confirm(payment.intent_id, params)
    except stripe.CardError as error:
        return _cancel(payment, error.user_message)
    except stripe.InvalidRequestError as error:
        if error.code == UNEXPECTED_STATE:  # it was settled while this process was held up
            return settle(payment)
        if (error.param or "").startswith("payment_method"):  # about the card, so it is the buyer's to know
            return _cancel(payment, error.user_message)
        raise
    return to_intent(intent).outcome or settle(payment)


def settle(payment: Payment) -> Outcome:
    """Return the payment's outcome: that of its intent, which is canceled if it has no end yet.

    Raises:
        NotSettledYet: the card is being charged.
        AmountDiffers: the intent is for another amount.
    """
    intent = retrieve_intent(payment)
    if intent.status == IntentStatus.PROCESSING:
        raise NotSettledYet
    return intent.outcome or _cancel(payment, intent.error)


def _cancel(payment: Payment, reason: str | None) -> Decline:
    """End the intent, so that no process that was held up can confirm it."""
    try:
        client().v1.payment_intents.cancel(payment.intent_id)
    except stripe.InvalidRequestError as error:
        if error.code == UNEXPECTED_STATE:  # it was confirmed or canceled just now
            raise NotSettledYet from error
        raise
    return Decline(reason or NOT_CHARGED)
