"""POST /api/payments/webhook: the provider says what became of an intent."""

from typing import TypeVar

import functions_framework
import msgspec
from flask import Request

from functions.payments import repository, signature
from functions.payments.domain import AmountDiffers, BadSignature, Payment
from functions.payments.intent import Intent, IntentStatus
from functions.shared import log
from functions.shared.errors import MalformedBody, NotFound
from functions.shared.ids import parse_id
from functions.shared.web.http import Response, ok, route

# A card that is declined is not the end of an intent: the next one may be charged.
ENDS = {
    "payment_intent.succeeded": IntentStatus.SUCCEEDED,
    "payment_intent.canceled": IntentStatus.CANCELED,
}
REFUND_FAILED = "refund.failed"

Kind = TypeVar("Kind")


class LastError(msgspec.Struct):
    """Why an intent's last card was declined."""

    message: str | None = None


class IntentObject(msgspec.Struct):
    """What matters of a PaymentIntent (https://docs.stripe.com/api/payment_intents/object)."""

    id: str
    amount: int
    currency: str
    metadata: dict[str, object]
    last_payment_error: LastError | None = None


class RefundObject(msgspec.Struct):
    """What matters of a Refund (https://docs.stripe.com/api/refunds/object)."""

    id: str
    metadata: dict[str, object] | None = None


class Data(msgspec.Struct):
    """The object that an event is about."""

    object: msgspec.Raw


class Event(msgspec.Struct):
    """https://docs.stripe.com/api/events/object.

    `data` is read only of the types that are acted on: others, and thin events, have it in other shapes or not at all.
    """

    type: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


@functions_framework.http
@route
def take_webhook(request: Request) -> Response:
    """Take a signed event; return 200 `{received}`, also for what is not about a payment of ours or known already."""
    content = request.get_data()
    if not signature.is_signed(content, request.headers.get("Stripe-Signature", "")):
        raise BadSignature
    event = _read(content, Event)
    if status := ENDS.get(event.type):
        _record(_read(_subject(event), IntentObject), status)
    if event.type == REFUND_FAILED:  # after the provider had accepted it, which a card's issuer may do days later
        refund = _read(_subject(event), RefundObject)
        payment = (refund.metadata or {}).get("payment")
        log.error("refund failed; a person must return the money another way", refund=refund.id, payment=payment)
    return ok({"received": True})


def _read(content: bytes | msgspec.Raw, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedBody from error


def _subject(event: Event) -> msgspec.Raw:
    return _read(event.data, Data).object


def _record(told: IntentObject, status: IntentStatus) -> None:
    reason = (told.last_payment_error and told.last_payment_error.message) or ""
    intent = Intent(told.id, status, told.amount, told.currency, reason)
    payment = _payment_of(intent, told.metadata.get("payment"))
    if payment and (outcome := intent.outcome):
        repository.update(payment.id, lambda payment, order: payment.settle(outcome, order), known=payment)


def _payment_of(intent: Intent, payment_id: object) -> Payment | None:
    """Return the payment whose intent that is; None if it is another shop's with the same account, or one's mistake."""
    try:
        payment = repository.find(parse_id(payment_id) or "0" * 24)
        return payment if payment.is_of(intent) else None
    except NotFound:
        return None
    except AmountDiffers as error:
        log.error("intent amount differs from its payment; not recorded", payment=payment_id, reason=str(error))
        return None
