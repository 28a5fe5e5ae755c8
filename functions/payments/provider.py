"""The payment provider, asked through Stripe's own library. Only functions that ask it import this module.

The payment's id is the idempotency key of its charge and stands in the intent's metadata, so that a charge is made
once and is found again (https://docs.stripe.com/api/idempotent_requests).
"""

import functools
import os
import sys
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.payments.domain import CURRENCY, Charge, Decline, Outcome, Payment, PaymentInProgress
from functions.shared import log
from functions.shared.clock import now
from functions.shared.errors import NotYet

# stripe imports every HTTP library that it finds, and uses one: 60 ms of a cold start.
_UNUSED = {"aiohttp", "httpx", "pycurl"} - sys.modules.keys()
sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type]  # None means: not there
import stripe  # noqa: E402

for _name in _UNUSED:
    del sys.modules[_name]

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams, PaymentIntentListParamsCreated

# To connect and to answer, for one try. Two tries and the library's pause are 2 * (1 + 4) + 0.5 = 10.5 s, after up to
# 2 s in which an order is looked for; of the 15 s that the gateway waits, the rest is for the database.
TIMEOUT_SECONDS = (1.0, 4.0)
RETRIES = 1
# The newest that takes a list of payment methods, which went with 2026-09-30 (https://docs.stripe.com/changelog/endive).
# Without one, nobody may confirm who has no address to send the buyer back to, nor ask for error_on_requires_action
# (https://docs.stripe.com/changelog/2023-08-16/automatic-payment-methods).
API_VERSION = "2026-07-29.dahlia"
SUCCEEDED, PROCESSING = "succeeded", "processing"
UNDONE = ("failed", "canceled")  # of refunds
UNMADE = "The payment could not be made"
# Most charges are made within this time of their payment's start.
SLACK = timedelta(minutes=1)
# How far our clock may be ahead of the provider's, by which an intent has its time.
ASTRAY = timedelta(days=1)
# The provider keeps keys for a day at the least; the rest is for clocks of ours that differ.
KEYS_LAST = timedelta(hours=23)
# What the provider broke off with a fault of its own, it may mend for a while (https://docs.stripe.com/error-low-level).
MENDING = timedelta(hours=1)


class NotRefundedError(Exception):
    """The provider took a refund on, and it came to nothing."""


class NotSettledYet(NotYet):
    """The provider itself does not know yet."""

    message = "Payment is not settled yet"


class NotRefundedYet(NotYet):
    """The provider has taken a refund on, and is at it."""

    message = "Payment is not refunded yet"


def charge(payment: Payment, token: str) -> Outcome:
    """Charge a card, at once and without asking the buyer again: 3-D Secure counts as declined.

    Raises:
        PaymentInProgress: it cannot be told whether the card was charged.
        stripe.StripeError: the provider does not take our request, so it will have to be settled as well.
    """
    try:
        intent = _client().v1.payment_intents.create(_intent(payment, token), {"idempotency_key": payment.id})
    except stripe.CardError as error:
        return Decline(error.user_message or UNMADE)
    except (stripe.APIConnectionError, stripe.APIError, stripe.RateLimitError, stripe.IdempotencyError) as error:
        log.exception("the provider gives no answer", error, payment=payment.id)
        raise PaymentInProgress from error
    except stripe.InvalidRequestError as error:
        # About the card it is the buyer's to know; anything else is our fault, and costs no buyer an order.
        if not (error.param or "").startswith("payment_method"):
            raise
        return Decline(error.user_message or UNMADE)
    if (made := outcome(intent.id, intent.status)) is None:
        raise PaymentInProgress
    return made


def find(payment: Payment) -> Outcome:
    """What came of a payment that was started: never charges, and what it says came to nothing never charges later.

    Raises:
        NotSettledYet: the provider does not know yet.
        stripe.StripeError: the provider does not answer.
    """
    made = _listed(payment, {"gte": _stamp(payment.started_at - SLACK), "lte": _stamp(payment.started_at + SLACK)})
    if isinstance(made, Charge):
        return made
    fenced = _fence(payment)
    # A key that could be spent, and that the provider cannot have forgotten, never charged: nobody has to look through
    # all that others paid meanwhile. Else it may have been charged at another time all the same: clocks differ, the
    # provider may have been asked long after the start, or has forgotten the key. What an intent names decides.
    if not fenced or now() >= payment.started_at + KEYS_LAST:
        made = _listed(payment, {"gte": _stamp(payment.started_at - ASTRAY)})
    if made is None and not fenced and now() < payment.started_at + MENDING:
        raise NotSettledYet
    return made or Decline(UNMADE)


def _stamp(moment: datetime) -> int:
    return int(moment.timestamp())


def _listed(payment: Payment, created: "PaymentIntentListParamsCreated") -> Outcome | None:
    """What the intents of a time say of the payment: that it was charged, if any says so.

    Raises:
        NotSettledYet: one is not at its end.
    """
    found = None
    for intent in _client().v1.payment_intents.list({"created": created, "limit": 100}).auto_paging_iter():
        named = getattr(intent.metadata, "payment", None)
        if named == payment.id and payment.asked_for(intent.amount, intent.currency):
            # An error may lack a message, and the library's objects any key.
            found = outcome(intent.id, intent.status, getattr(intent.last_payment_error, "message", None))
            if found is None:
                raise NotSettledYet
            if isinstance(found, Charge):
                return found
    return found


def _fence(payment: Payment) -> bool:
    """Let nobody charge for the payment any more; False if the provider has been asked to already.

    Its key is spent on an intent that nobody confirms, so nobody pays it. From then on the provider refuses to charge
    under the key, whoever was held up on the way there (https://docs.stripe.com/api/idempotent_requests). It forgets
    keys after a day at the earliest, when nobody is on the way any more. Said twice, it is the same intent.

    Raises:
        NotSettledYet: it is being asked just now.
        stripe.StripeError: the provider does not answer.
    """
    unconfirmed: PaymentIntentCreateParams = {
        "amount": payment.amount,
        "currency": CURRENCY,
        "metadata": {"fence": payment.id, "order": payment.order_id},
    }
    try:
        _client().v1.payment_intents.create(unconfirmed, {"idempotency_key": payment.id})
    except stripe.IdempotencyError:
        return False
    except stripe.APIError as error:
        if error.http_status == HTTPStatus.CONFLICT:
            raise NotSettledYet from error
        raise
    return True


def outcome(intent_id: str, status: str, failure: str | None = None) -> Outcome | None:
    """What an intent's status says; None if nothing yet. One that waits for somebody waits in vain."""
    if status == PROCESSING:
        return None
    return Charge(intent_id) if status == SUCCEEDED else Decline(failure or UNMADE)


def refund(payment: Payment) -> None:
    """Give all of a charge back, unless that is done or under way: the provider gives no more back than it took.

    A key of ours would keep a fault of the provider's for a day; the library makes one for its own second try.

    Raises:
        NotRefundedYet: it is under way.
        NotRefundedError: it failed, so the money has to go back another way. Trying again is up to a person.
        stripe.StripeError: it is not done, or that cannot be told.
    """
    refunds = _client().v1.refunds
    made = [*refunds.list({"payment_intent": payment.provider_id, "limit": 100}).auto_paging_iter()]
    if _given(made) < payment.amount and all(one.status == SUCCEEDED for one in made):
        metadata = {"payment": payment.id, "order": payment.order_id}
        made.append(refunds.create({"payment_intent": payment.provider_id, "metadata": metadata}))
    if _given(made) >= payment.amount:
        return
    if undone := [f"{one.id} is {one.status}" for one in made if one.status in UNDONE]:
        raise NotRefundedError(", ".join(undone))
    raise NotRefundedYet


def _given(refunds: list[stripe.Refund]) -> int:
    """The cents that have gone back."""
    return sum(one.amount for one in refunds if one.status == SUCCEEDED)


def signed(content: bytes, signature: str) -> bool:
    """Whether the provider signed a webhook's body within the last five minutes.

    Raises:
        ValueError: there is no secret to tell by.
    """
    if not (secret := os.environ["STRIPE_WEBHOOK_SECRET"].strip()):
        raise ValueError("STRIPE_WEBHOOK_SECRET is empty")
    try:
        stripe.WebhookSignature.verify_header(content, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
    except (stripe.SignatureVerificationError, ValueError, TypeError):  # also for what is no text
        return False
    return True


def _intent(payment: Payment, token: str) -> "PaymentIntentCreateParams":
    intent: PaymentIntentCreateParams = {
        "amount": payment.amount,
        "currency": CURRENCY,
        "confirm": True,
        "error_on_requires_action": True,
        "metadata": {"payment": payment.id, "order": payment.order_id},
    }
    # The library's types are those of its own API version, and lack tokens, which are documented for servers.
    intent["payment_method_types"] = ["card"]  # type: ignore[typeddict-unknown-key]
    if token.startswith("pm_"):
        intent["payment_method"] = token
    else:
        intent["payment_method_data"] = {"type": "card", "card": {"token": token}}  # type: ignore[typeddict-unknown-key]
    return intent


def _client() -> stripe.StripeClient:
    return _client_of(os.environ["STRIPE_KEY"], os.environ["STRIPE_API_BASE"])


@functools.cache
def _client_of(key: str, address: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": address},
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        max_network_retries=RETRIES,
    )
