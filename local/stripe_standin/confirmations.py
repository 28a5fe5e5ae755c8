"""Confirming a payment intent: the card is charged, declined, or its owner asked to approve (3-D Secure).

https://docs.stripe.com/api/payment_intents/confirm, https://docs.stripe.com/payments/paymentintents/lifecycle
"""

import time
from contextlib import suppress

from local.stripe_standin import browser, cards, parameters
from local.stripe_standin.call import Call, new_id
from local.stripe_standin.cards import Decline
from local.stripe_standin.ledger import Object
from local.stripe_standin.parameters import Parameters
from local.stripe_standin.problems import Problem, invalid, missing_resource, unexpected_state

KIND, CHALLENGE = "payment_intent", "challenge"
UNCONFIRMED, CHALLENGED, PROCESSING, SUCCEEDED = (
    "requires_payment_method",
    "requires_action",
    "processing",
    "succeeded",
)
CONFIRMABLE = (UNCONFIRMED, "requires_confirmation", CHALLENGED)
PAID_ALREADY = (
    "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
)
NO_METHOD = "You cannot confirm this PaymentIntent because it's missing a payment method."

TOKEN = parameters.record(
    "type", "card", type=parameters.choice("card"), card=parameters.record("token", token=parameters.string)
)
TYPED = parameters.record(
    "type",
    "card",
    type=parameters.choice("card"),
    card=parameters.record(
        "number",
        "exp_month",
        "exp_year",
        "cvc",
        number=parameters.string,
        exp_month=parameters.integer,
        exp_year=parameters.integer,
        cvc=parameters.string,
    ),
)
_BY_THE_SHOP = parameters.record(
    error_on_requires_action=parameters.boolean,
    payment_method=parameters.string,
    payment_method_data=TOKEN,
    expand=parameters.items(parameters.choice("latest_charge")),
)
# What https://docs.stripe.com/js sends: card numbers come from browsers only, with the secret of the one intent.
BY_A_BROWSER = parameters.record(
    "client_secret",
    "payment_method_data",
    client_secret=parameters.string,
    payment_method_data=TYPED,
    use_stripe_sdk=parameters.boolean,
)


def confirmation(value: object, param: str) -> Parameters:
    """Read the parameters of a confirmation by the shop."""
    given: Parameters = _BY_THE_SHOP(value, param)
    require_one_method(given)
    return given


def require_one_method(given: Parameters) -> None:
    """Check that at most one card is named.

    Raises:
        Problem: there are two.
    """
    if "payment_method" in given and "payment_method_data" in given:
        message = "You may only specify one of these parameters: payment_method, payment_method_data."
        raise invalid(message, "payment_method", "parameters_exclusive")


def confirm(call: Call, given: Parameters, identifier: str) -> Object:
    """Try to get the money for an intent that has no end yet."""
    intent = call.find(KIND, identifier, "intent", 404)
    browser.require_secret(intent, given)
    if intent["status"] == SUCCEEDED:
        message = (
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
        )
        raise unexpected_state(message, intent)
    if intent["status"] not in CONFIRMABLE:
        message = (
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}. Only a "
            "PaymentIntent with one of the following statuses may be confirmed: requires_confirmation, requires_action."
        )
        raise unexpected_state(message, intent)
    if (card := cards.find(given)) is not None:
        attach(call, intent, card)
    elif (card := _attached(call, intent)) is None:
        raise unexpected_state(NO_METHOD, intent)
    attempt(call, intent, card, given)
    return call.expanded(intent, given)


def attach(call: Call, intent: Object, card: str) -> None:
    """Give an intent a card to be confirmed with."""
    method = {"id": new_id("pm"), "object": cards.PAYMENT_METHOD, "created": int(time.time()), "card": card}
    call.ledger.save(method)
    intent |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}


def attempt(call: Call, intent: Object, card: str, given: Parameters) -> None:
    """Charge a card, or ask its owner, unless the request would rather have it declined.

    Raises:
        Problem: the card is declined.
    """
    decline, authenticates = cards.CARDS[card]
    if not authenticates:
        _charge(call, intent, decline)
    elif given.get("error_on_requires_action"):
        _fail(call, intent, cards.UNAUTHENTICATED)
    else:
        _challenge(call, intent)


def answer_challenge(call: Call, identifier: str, *, approved: bool) -> Object:
    """Go on with the intent whose card's owner approved or refused; an old challenge changes nothing.

    Raises:
        Problem: there is no such challenge.
    """
    if (challenge := call.ledger.find(CHALLENGE, identifier)) is None:
        raise missing_resource("source", identifier, "source", 404)
    intent = call.find(KIND, challenge["payment_intent"], "intent", 404)
    action = intent["next_action"] or {"use_stripe_sdk": {"source": None}}
    if intent["status"] == CHALLENGED and action["use_stripe_sdk"]["source"] == identifier:
        intent["next_action"] = None
        with suppress(Problem):  # the buyer's browser reads it in the intent
            _charge(call, intent, None if approved else cards.NOT_APPROVED)
    return intent


def conclude(call: Call) -> None:
    """Charge for what is processing, unless that is to go on."""
    if call.injector.behaviour.charges == PROCESSING:
        return
    for intent in call.ledger.all(KIND):
        if intent["status"] == PROCESSING:
            _succeed(call, intent)


def _attached(call: Call, intent: Object) -> str | None:
    method = call.ledger.find(cards.PAYMENT_METHOD, intent["payment_method"] or "")
    return method["card"] if method else None


def _challenge(call: Call, intent: Object) -> None:
    source = {"id": new_id("src"), "object": CHALLENGE, "created": int(time.time()), "payment_intent": intent["id"]}
    call.ledger.save(source)
    page = f"{call.address}/test/challenges/{source['id']}"
    details = {"type": "three_d_secure_redirect", "source": source["id"], "stripe_js": page}
    intent |= {"status": CHALLENGED, "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": details}}
    call.ledger.save(intent)
    call.announce("payment_intent.requires_action", intent)


def _charge(call: Call, intent: Object, decline: Decline | None) -> None:
    if decline is None and call.injector.happens(call.injector.behaviour.decline):
        decline = cards.GENERIC
    if decline:
        _fail(call, intent, decline)
    elif call.injector.behaviour.charges == PROCESSING:
        intent["status"] = PROCESSING
        call.ledger.save(intent)
        call.announce("payment_intent.processing", intent)
    else:
        _succeed(call, intent)


def _succeed(call: Call, intent: Object) -> None:
    charge = _new_charge(intent, None)
    call.ledger.save(charge)
    intent |= {"status": SUCCEEDED, "amount_received": intent["amount"], "latest_charge": charge["id"]}
    call.ledger.save(intent)
    call.announce("payment_intent.succeeded", intent)


def _fail(call: Call, intent: Object, decline: Decline) -> None:
    charge = _new_charge(intent, decline)
    call.ledger.save(charge)
    method = {"id": intent["payment_method"], "object": "payment_method", "type": "card"}
    error = decline.error(charge=charge["id"], payment_method=method)
    failed = {"status": UNCONFIRMED, "last_payment_error": error, "latest_charge": charge["id"]}
    intent |= failed | {"payment_method": None, "next_action": None}
    call.ledger.save(intent)
    call.announce("payment_intent.payment_failed", intent)
    raise Problem(402, error | {"payment_intent": intent})


def _new_charge(intent: Object, decline: Decline | None) -> Object:
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0 if decline else intent["amount"],
        "amount_refunded": 0,
        "captured": not decline,
        "created": int(time.time()),
        "currency": "usd",
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": not decline,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "refunded": False,
        "status": "failed" if decline else "succeeded",
    }
