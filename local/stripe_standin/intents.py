"""Payment intents: https://docs.stripe.com/api/payment_intents."""

import time

from local.stripe_standin import cards, parameters
from local.stripe_standin.call import Call, new_id
from local.stripe_standin.cards import Decline
from local.stripe_standin.ledger import Object
from local.stripe_standin.parameters import Parameters
from local.stripe_standin.problems import Problem, invalid

KIND = "payment_intent"
PROCESSING = "processing"
LEAST, MOST = 50, 99_999_999  # cents: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts

_CREATION = parameters.record(
    "amount",
    "currency",
    amount=parameters.positive,
    currency=parameters.string,
    confirm=parameters.boolean,
    error_on_requires_action=parameters.boolean,
    payment_method=parameters.string,
    payment_method_data=parameters.record(
        "type", "card", type=parameters.choice("card"), card=parameters.record("token", token=parameters.string)
    ),
    payment_method_types=parameters.items(parameters.choice("card")),
    description=parameters.string,
    metadata=parameters.metadata,
    expand=parameters.items(parameters.choice("latest_charge")),
)
SHOWN = parameters.record(expand=parameters.items(parameters.choice("latest_charge")))
LISTED = parameters.record(limit=parameters.page_size, starting_after=parameters.string, created=parameters.moments)


def creation(value: object, param: str) -> Parameters:
    """The parameters of a new intent."""
    given: Parameters = _CREATION(value, param)
    _check_amount(given["amount"])
    if given["currency"].lower() != "usd":
        message = f"Invalid currency: {given['currency']}. Stripe currently supports these currencies: usd"
        raise invalid(message, "currency")
    if "payment_method" in given and "payment_method_data" in given:
        message = "You may only specify one of these parameters: payment_method, payment_method_data."
        raise invalid(message, "payment_method", "parameters_exclusive")
    if "error_on_requires_action" in given and not given.get("confirm"):
        raise invalid("error_on_requires_action can only be used with confirm=true.", "error_on_requires_action")
    if given.get("confirm") and "payment_method_types" not in given:
        message = (
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`."
        )
        raise invalid(message)
    return given


def create(call: Call, given: Parameters, _: str) -> Object:
    """A new intent, paid at once if it is confirmed."""
    card = cards.find(given)
    if given.get("confirm") and not card:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise invalid(message, code="payment_intent_unexpected_state")
    intent = _new(given, card)
    call.ledger.save(intent)
    call.announce("payment_intent.created", intent)
    if card and given.get("confirm"):
        _confirm(call, intent, card, refuse_action=given.get("error_on_requires_action", False))
    return call.expanded(intent, given)


def show(call: Call, given: Parameters, identifier: str) -> Object:
    """One intent as it is now."""
    return call.expanded(call.find(KIND, identifier, "intent", 404), given)


def page(call: Call, given: Parameters, _: str) -> Object:
    """Intents, newest first."""
    return call.listing(KIND, "/v1/payment_intents", given)


def conclude(call: Call) -> None:
    """Charge for what is processing, unless that is to go on."""
    if call.injector.behaviour.charges == PROCESSING:
        return
    for intent in call.ledger.all(KIND):
        if intent["status"] == PROCESSING:
            _charge(call, intent, None)


def _check_amount(amount: int) -> None:
    if amount < LEAST:
        raise invalid("Amount must be at least $0.50 usd", "amount", "amount_too_small")
    if amount > MOST:
        raise invalid("Amount must be no more than $999,999.99", "amount", "amount_too_large")


def _new(given: Parameters, card: str | None) -> Object:
    identifier = new_id("pi")
    return {
        "id": identifier,
        "object": KIND,
        "amount": given["amount"],
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": new_id(f"{identifier}_secret"),
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": "usd",
        "customer": None,
        "description": given.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": given.get("metadata", {}),
        "next_action": None,
        "payment_method": new_id("pm") if card else None,
        "payment_method_types": given.get("payment_method_types", ["card"]),
        "status": "requires_confirmation" if card else "requires_payment_method",
    }


def _confirm(call: Call, intent: Object, card: str, *, refuse_action: bool) -> None:
    """Try to get the money.

    Raises:
        Problem: the card is declined.
    """
    decline = cards.CARDS[card]
    if decline is cards.UNAUTHENTICATED and not refuse_action:
        return _ask_for_authentication(call, intent)
    if decline is None and call.injector.happens(call.injector.behaviour.decline):
        decline = cards.GENERIC
    if decline is None and call.injector.behaviour.charges == PROCESSING:
        return _process(call, intent)
    return _charge(call, intent, decline)


def _charge(call: Call, intent: Object, decline: Decline | None) -> None:
    charge = _new_charge(intent, decline)
    intent["latest_charge"] = charge["id"]
    call.ledger.save(charge)
    return _fail(call, intent, decline) if decline else _succeed(call, intent)


def _process(call: Call, intent: Object) -> None:
    intent["status"] = PROCESSING
    call.ledger.save(intent)
    call.announce("payment_intent.processing", intent)


def _ask_for_authentication(call: Call, intent: Object) -> None:
    intent |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {}}}
    call.ledger.save(intent)
    call.announce("payment_intent.requires_action", intent)


def _succeed(call: Call, intent: Object) -> None:
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    call.ledger.save(intent)
    call.announce("payment_intent.succeeded", intent)


def _fail(call: Call, intent: Object, decline: Decline) -> None:
    method = {"id": intent["payment_method"], "object": "payment_method", "type": "card"}
    error = decline.error(charge=intent["latest_charge"], payment_method=method)
    intent |= {"status": "requires_payment_method", "last_payment_error": error, "payment_method": None}
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
