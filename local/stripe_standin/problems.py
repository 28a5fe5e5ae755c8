"""Errors in the shape of https://docs.stripe.com/api/errors."""

from typing import Any

DOCUMENTATION = "https://stripe.com/docs/error-codes/"

Error = dict[str, Any]


class Problem(Exception):  # noqa: N818 - Stripe's own word, error, is its body
    """A request that is answered with an error."""

    def __init__(self, status: int, error: Error) -> None:
        super().__init__(error["message"])
        self.status = status
        self.body = {"error": error}


def invalid(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> Problem:
    """What the caller can correct."""
    return Problem(status, described("invalid_request_error", message, code, param=param))


def missing_resource(kind: str, identifier: str, param: str, status: int = 400) -> Problem:
    """A reference to nothing: 404 if it stands in the path, else 400."""
    return invalid(f"No such {kind}: '{identifier}'", param, "resource_missing", status)


def unexpected_state(message: str, intent: dict[str, Any]) -> Problem:
    """Refuse what an intent in its state does not allow; the error shows the intent."""
    problem = invalid(message, code="payment_intent_unexpected_state")
    problem.body["error"]["payment_intent"] = intent
    return problem


def described(kind: str, message: str, code: str | None = None, **details: object) -> Error:
    """An error of one of Stripe's types; details of None are left out."""
    documentation = DOCUMENTATION + code.replace("_", "-") if code else None
    stated = {"code": code, "doc_url": documentation, "message": message, **details, "type": kind}
    return {name: value for name, value in stated.items() if value is not None}
