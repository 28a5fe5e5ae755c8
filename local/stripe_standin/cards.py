"""The test values of https://docs.stripe.com/testing, and how cards with them turn out."""

from datetime import UTC, datetime
from typing import NamedTuple

from local.stripe_standin.ledger import Object
from local.stripe_standin.parameters import Parameters
from local.stripe_standin.problems import Error, Problem, described, invalid, missing_resource

PAYMENT_METHOD = "payment_method"
NAMED = "pm_card_"  # followed by a card's name: a payment method that every test account has
EARLIEST_CENTURY = 100


class Decline(NamedTuple):
    """Why a card was not charged."""

    message: str
    code: str
    decline_code: str | None = None
    kind: str = "card_error"

    def error(self, **details: object) -> Error:
        """Return the error as the API shows it."""
        return described(self.kind, self.message, self.code, decline_code=self.decline_code, **details)


class Card(NamedTuple):
    """How a card turns out: declined, or charged, if it `authenticates` only after its owner approved."""

    decline: Decline | None = None
    authenticates: bool = False


GENERIC = Decline("Your card was declined.", "card_declined", "generic_decline")
INSUFFICIENT_FUNDS = Decline("Your card has insufficient funds.", "card_declined", "insufficient_funds")
EXPIRED = Decline("Your card has expired.", "expired_card")
UNAUTHENTICATED = Decline(
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
    "authentication_required",
)
NOT_APPROVED = Decline(
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
    "payment_intent_authentication_failure",
    kind="invalid_request_error",
)
NOT_A_TEST_CARD = Decline(
    "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test cards, "
    "visit: https://stripe.com/docs/testing.",
    "card_declined",
    "test_mode_live_card",
)

GOOD, CHALLENGED = Card(), Card(authenticates=True)
# By the name that follows `tok_` in a token and `pm_card_` in a payment method.
CARDS: dict[str, Card] = {
    "visa": GOOD,
    "mastercard": GOOD,
    "amex": GOOD,
    "chargeDeclined": Card(GENERIC),
    "visa_chargeDeclined": Card(GENERIC),
    "chargeDeclinedInsufficientFunds": Card(INSUFFICIENT_FUNDS),
    "visa_chargeDeclinedInsufficientFunds": Card(INSUFFICIENT_FUNDS),
    "chargeDeclinedExpiredCard": Card(EXPIRED),
    "threeDSecure2Required": CHALLENGED,
    "threeDSecureRequired": CHALLENGED,
    "authenticationRequired": CHALLENGED,
    "authenticationRequiredOnSetup": CHALLENGED,
    "not a test card": Card(NOT_A_TEST_CARD),
}
NUMBERS = {
    "4242424242424242": "visa",
    "5555555555554444": "mastercard",
    "378282246310005": "amex",
    "4000000000000002": "chargeDeclined",
    "4000000000009995": "chargeDeclinedInsufficientFunds",
    "4000000000000069": "chargeDeclinedExpiredCard",
    "4000000000003220": "threeDSecure2Required",
    "4000002760003184": "authenticationRequired",
    "4000002500003155": "authenticationRequiredOnSetup",
}


def find(given: Parameters) -> str | None:
    """Return the name of the card that a request means, None if it means none.

    Raises:
        Problem: there is no such card, or what was typed is not one.
    """
    if method := given.get(PAYMENT_METHOD):
        return _named(method, NAMED, "PaymentMethod", PAYMENT_METHOD)
    if not (data := given.get("payment_method_data")):
        return None
    if token := data["card"].get("token"):
        return _named(token, "tok_", "token", "payment_method_data[card][token]")
    return _typed(data["card"])


def _named(value: str, prefix: str, kind: str, param: str) -> str:
    if prefix == NAMED and value.startswith("tok_"):
        message = (
            "A token may not be passed in as a PaymentMethod. Instead, create a PaymentMethod or convert your token to "
            f"a PaymentMethod by setting the `card[token]` parameter to '{value}'."
        )
        raise invalid(message, param)
    if not value.startswith(prefix) or (name := value.removeprefix(prefix)) not in CARDS:
        raise missing_resource(kind, value, param)
    return name


def _typed(card: Object) -> str:
    """Return the name of the card with the number, expiry and code that a buyer typed."""
    number = "".join(card["number"].split())
    if not (number.isascii() and number.isdigit() and _passes_luhn(number)):
        raise _mistyped("Your card number is incorrect.", "incorrect_number", "number")
    year, month, today = card["exp_year"], card["exp_month"], datetime.now(UTC)
    year += 2000 if year < EARLIEST_CENTURY else 0
    if not 1 <= month <= 12:  # noqa: PLR2004 - months
        raise _mistyped("Your card's expiration month is invalid.", "invalid_expiry_month", "exp_month")
    if (year, month) < (today.year, today.month):
        raise _mistyped("Your card's expiration year is invalid.", "invalid_expiry_year", "exp_year")
    if not (card["cvc"].isascii() and card["cvc"].isdigit() and len(card["cvc"]) in {3, 4}):
        raise _mistyped("Your card's security code is invalid.", "invalid_cvc", "cvc")
    return NUMBERS.get(number, "not a test card")


def _passes_luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return len(digits) >= 12 and (sum(digits[::2]) + sum(doubled)) % 10 == 0  # noqa: PLR2004 - ISO/IEC 7812


def _mistyped(message: str, code: str, param: str) -> Problem:
    return Problem(402, described("card_error", message, code, param=param))
