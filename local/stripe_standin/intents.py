"""Payment intents: https://docs.stripe.com/api/payment_intents."""

import re
import time

from local.stripe_standin import browser, cards, confirmations, parameters
from local.stripe_standin.call import Call, new_id
from local.stripe_standin.confirmations import KIND, UNCONFIRMED
from local.stripe_standin.ledger import Object
from local.stripe_standin.parameters import Parameters
from local.stripe_standin.problems import invalid, unexpected_state

LEAST, MOST = 50, 99_999_999  # cents: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
OPEN = (UNCONFIRMED, "requires_confirmation", "requires_action")
METADATA_QUERY = re.compile(r"""metadata\[["'](\w{1,40})["']\]:["'](\w{1,500})["']""", re.ASCII)

_EXPAND = parameters.items(parameters.choice("latest_charge"))
_CREATION = parameters.record(
    "amount",
    "currency",
    amount=parameters.positive,
    currency=parameters.string,
    confirm=parameters.boolean,
    error_on_requires_action=parameters.boolean,
    payment_method=parameters.string,
    payment_method_data=confirmations.TOKEN,
    payment_method_types=parameters.items(parameters.choice("card")),
    description=parameters.string,
    metadata=parameters.metadata,
    expand=_EXPAND,
)
SHOWN = parameters.record(client_secret=parameters.string, expand=_EXPAND)
LISTED = parameters.record(limit=parameters.page_size, starting_after=parameters.string)
SEARCHED = parameters.record("query", query=parameters.string, limit=parameters.page_size)
CANCELLATION = parameters.record(
    cancellation_reason=parameters.choice("abandoned", "duplicate", "fraudulent", "requested_by_customer")
)


def creation(value: object, param: str) -> Parameters:
    """Read the parameters of a new intent."""
    given: Parameters = _CREATION(value, param)
    _check_amount(given["amount"])
    if given["currency"].lower() != "usd":
        message = f"Invalid currency: {given['currency']}. Stripe currently supports these currencies: usd"
        raise invalid(message, "currency")
    confirmations.require_one_method(given)
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
    """Make an intent, which is confirmed at once if the request says so."""
    card = cards.find(given)
    if given.get("confirm") and not card:
        raise invalid(confirmations.NO_METHOD, code="payment_intent_unexpected_state")
    intent = _new(given)
    if card:
        confirmations.attach(call, intent, card)
    call.ledger.save(intent)
    call.announce("payment_intent.created", intent)
    if card and given.get("confirm"):
        confirmations.attempt(call, intent, card, given)
    return call.expanded(intent, given)


def show(call: Call, given: Parameters, identifier: str) -> Object:
    """Return one intent as it is now."""
    intent = call.find(KIND, identifier, "intent", 404)
    browser.require_secret(intent, given)
    return call.expanded(intent, given)


def page(call: Call, given: Parameters, _: str) -> Object:
    """Return intents, newest first."""
    return call.listing(KIND, "/v1/payment_intents", given)


def search(call: Call, given: Parameters, _: str) -> Object:
    """Return the intents with an item of metadata, which is all that a query can ask for here."""
    if not (query := METADATA_QUERY.fullmatch(given["query"])):
        raise invalid("We were unable to parse your search query.", "query")
    found = call.ledger.with_metadata(KIND, query[1], query[2])[: given.get("limit", 10)]
    return {"object": "search_result", "url": "/v1/payment_intents/search", "has_more": False, "data": found}


def cancel(call: Call, given: Parameters, identifier: str) -> Object:
    """End an intent, unless it has its end or is being charged: then it can be charged no more."""
    intent = call.find(KIND, identifier, "intent", 404)
    if intent["status"] not in OPEN:
        message = (
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(OPEN)}."
        )
        raise unexpected_state(message, intent)
    ended = {"status": "canceled", "canceled_at": int(time.time()), "next_action": None}
    intent |= ended | {"cancellation_reason": given.get("cancellation_reason")}
    call.ledger.save(intent)
    call.announce("payment_intent.canceled", intent)
    return intent


def _check_amount(amount: int) -> None:
    if amount < LEAST:
        raise invalid("Amount must be at least $0.50 usd", "amount", "amount_too_small")
    if amount > MOST:
        raise invalid("Amount must be no more than $999,999.99", "amount", "amount_too_large")


def _new(given: Parameters) -> Object:
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
        "payment_method": None,
        "payment_method_types": given.get("payment_method_types", ["card"]),
        "status": UNCONFIRMED,
    }
