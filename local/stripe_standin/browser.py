"""What a browser may do with the publishable key and the secret of one intent, and what it is shown."""

import hmac

from local.stripe_standin.ledger import Object
from local.stripe_standin.parameters import Parameters
from local.stripe_standin.problems import Error, Problem, invalid

HIDDEN = ("amount_received", "amount_capturable", "customer", "latest_charge", "metadata")


def require_secret(intent: Object, given: Parameters) -> None:
    """Check the secret of an intent, if one was sent; the parameters of a browser are read so that it must be.

    Raises:
        Problem: it is another one.
    """
    expected: str = intent["client_secret"]
    sent: str = given.get("client_secret", expected)
    if not hmac.compare_digest(sent.encode(errors="surrogateescape"), expected.encode()):
        message = "The client_secret provided does not match the client_secret associated with the PaymentIntent."
        raise invalid(message, "client_secret", "payment_intent_invalid_parameter")


def secret_key_required() -> Problem:
    """Refuse a request that needs the shop's secret key."""
    message = "This API call cannot be made with a publishable API key. Please use a secret API key."
    return invalid(message, code="secret_key_required", status=403)


def shown(intent: Object) -> Object:
    """Return an intent without what is the shop's own business."""
    return {name: value for name, value in intent.items() if name not in HIDDEN}


def shown_error(body: Error) -> Error:
    """Return an error without what is the shop's own business in the intent that it shows."""
    error = body["error"]
    return {"error": error | {"payment_intent": shown(error["payment_intent"])}} if "payment_intent" in error else body
