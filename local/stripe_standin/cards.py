"""The test values of https://docs.stripe.com/testing, and how cards with them turn out."""

from typing import NamedTuple

from local.stripe_standin.parameters import Parameters
from local.stripe_standin.problems import Error, described, invalid, missing_resource


class Decline(NamedTuple):
    """Why no money came."""

    message: str
    code: str
    decline_code: str | None = None

    def error(self, **details: object) -> Error:
        """What the API says of it."""
        return described("card_error", self.message, self.code, decline_code=self.decline_code, **details)


GENERIC = Decline("Your card was declined.", "card_declined", "generic_decline")
INSUFFICIENT_FUNDS = Decline("Your card has insufficient funds.", "card_declined", "insufficient_funds")
EXPIRED = Decline("Your card has expired.", "expired_card")
UNAUTHENTICATED = Decline(
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
    "authentication_required",
)

# By the name that follows `tok_` in a token and `pm_card_` in a payment method.
CARDS: dict[str, Decline | None] = {
    "visa": None,
    "mastercard": None,
    "amex": None,
    "chargeDeclined": GENERIC,
    "visa_chargeDeclined": GENERIC,
    "chargeDeclinedInsufficientFunds": INSUFFICIENT_FUNDS,
    "visa_chargeDeclinedInsufficientFunds": INSUFFICIENT_FUNDS,
    "chargeDeclinedExpiredCard": EXPIRED,
    "threeDSecure2Required": UNAUTHENTICATED,
    "threeDSecureRequired": UNAUTHENTICATED,
    "authenticationRequired": UNAUTHENTICATED,
}


def find(given: Parameters) -> str | None:
    """The name of the card that a request means, if it means any.

    Raises:
        Problem: there is no such card.
    """
    if method := given.get("payment_method"):
        return _name(method, "pm_card_", "PaymentMethod", "payment_method")
    if data := given.get("payment_method_data"):
        return _name(data["card"]["token"], "tok_", "token", "payment_method_data[card][token]")
    return None


def _name(value: str, prefix: str, kind: str, param: str) -> str:
    if kind == "PaymentMethod" and value.startswith("tok_"):
        message = (
            "A token may not be passed in as a PaymentMethod. Instead, create a PaymentMethod or convert your token to "
            f"a PaymentMethod by setting the `card[token]` parameter to '{value}'."
        )
        raise invalid(message, param)
    if not value.startswith(prefix) or (name := value.removeprefix(prefix)) not in CARDS:
        raise missing_resource(kind, value, param)
    return name
