"""POST /api/payments/webhook: the provider says what came of a charge."""

from contextlib import suppress
from typing import TypeVar

import functions_framework
import msgspec
from flask import Request

from functions.payments import provider, repository
from functions.payments.domain import BadSignature, Charge, Decline, Order, Outcome, Payment
from functions.shared import log
from functions.shared.errors import MalformedBody, NotFound
from functions.shared.ids import parse_id
from functions.shared.web.http import Response, ok, route

SUCCESS = "payment_intent.succeeded"
FAILURES = ("payment_intent.payment_failed", "payment_intent.canceled")
REFUND_FAILED = "refund.failed"

Kind = TypeVar("Kind")


class Failure(msgspec.Struct):
    """Why an intent's last try failed."""

    message: str | None = None


class Intent(msgspec.Struct):
    """What matters of a PaymentIntent (https://docs.stripe.com/api/payment_intents/object)."""

    id: str
    amount: int
    currency: str
    metadata: dict[str, object]
    last_payment_error: Failure | None = None


class Refund(msgspec.Struct):
    """What matters of a Refund (https://docs.stripe.com/api/refunds/object)."""

    id: str
    metadata: dict[str, object] | None = None


class Data(msgspec.Struct):
    """What an event is about, read only if that is an intent: no two kinds of objects have the same fields."""

    object: msgspec.Raw


class Event(msgspec.Struct):
    """https://docs.stripe.com/api/events/object."""

    type: str
    data: Data


@functions_framework.http
@route
def take_webhook(request: Request) -> Response:
    """A signed event → 200 `{received}`, also for what is known already or is not about a payment of ours."""
    if not provider.signed(request.get_data(), request.headers.get("Stripe-Signature", "")):
        raise BadSignature
    event = _read(request.get_data(), Event)
    if event.type == SUCCESS or event.type in FAILURES:
        intent = _read(event.data.object, Intent)
        _record(intent, _outcome(event.type, intent))
    if event.type == REFUND_FAILED:  # after the provider had taken it on, which a card's issuer may do days later
        refund = _read(event.data.object, Refund)
        payment = (refund.metadata or {}).get("payment")
        log.error("a refund failed: the money has to go back another way", refund=refund.id, payment=payment)
    return ok({"received": True})


def _read(content: bytes | msgspec.Raw, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedBody from error


def _outcome(event_type: str, intent: Intent) -> Outcome:
    if event_type == SUCCESS:
        return Charge(intent.id)
    return Decline((intent.last_payment_error and intent.last_payment_error.message) or provider.UNMADE)


def _record(intent: Intent, outcome: Outcome) -> None:
    def settled(payment: Payment, order: Order) -> Payment:
        return payment.settled(outcome, order) if payment.asked_for(intent.amount, intent.currency) else payment

    with suppress(NotFound):  # another shop's, with the same account
        if payment_id := parse_id(intent.metadata.get("payment")):
            repository.update(payment_id, settled)
