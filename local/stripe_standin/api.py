"""The routes of the Stripe API, and how their requests are carried out: read, once per key, all or nothing."""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from local.stripe_standin import browser, confirmations, intents, parameters, refunds
from local.stripe_standin.call import Call
from local.stripe_standin.ledger import Answer, Object
from local.stripe_standin.parameters import Kind, Parameters, decode
from local.stripe_standin.problems import Problem, described, invalid

MAX_KEY = 255
API_VERSION = "2026-07-29.dahlia"  # later ones have other parameters: https://docs.stripe.com/changelog

Perform = Callable[[Call, Parameters, str], Object]  # the last is the id in the path


class Endpoint(NamedTuple):
    """How its parameters are read, and what is then done; `read_browsers` reads those of a browser, if it may come."""

    read: Kind
    perform: Perform
    read_browsers: Kind | None = None


class Reply(NamedTuple):
    """Status and JSON of an answer, and whether it was given before."""

    status: int
    body: str
    replayed: bool = False


_SECRET = parameters.record("client_secret", client_secret=parameters.string)
ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("POST", "/v1/payment_intents"): Endpoint(intents.creation, intents.create),
    ("GET", "/v1/payment_intents"): Endpoint(intents.LISTED, intents.page),
    ("GET", "/v1/payment_intents/search"): Endpoint(intents.SEARCHED, intents.search),
    ("GET", "/v1/payment_intents/{id}"): Endpoint(intents.SHOWN, intents.show, _SECRET),
    ("POST", "/v1/payment_intents/{id}/confirm"): Endpoint(
        confirmations.confirmation, confirmations.confirm, confirmations.BY_A_BROWSER
    ),
    ("POST", "/v1/payment_intents/{id}/cancel"): Endpoint(intents.CANCELLATION, intents.cancel),
    ("POST", "/v1/refunds"): Endpoint(refunds.CREATION, refunds.create),
    ("GET", "/v1/refunds"): Endpoint(refunds.LISTED, refunds.page),
    ("GET", "/v1/refunds/{id}"): Endpoint(refunds.SHOWN, refunds.show),
}


def carry_out(endpoint: Endpoint, call: Call, path: str, identifier: str, text: str) -> Reply:
    """Answer a request whose parameters are `text`.

    A refusal by the endpoint itself, such as a declined card, is an answer like another: it is kept under the key with
    what the endpoint changed. Malformed parameters are not kept (https://docs.stripe.com/api/idempotent_requests).

    Raises:
        Problem: the parameters are malformed, the key belongs to another request, or a browser may not ask for this.
    """
    read = endpoint.read_browsers if call.is_browser else endpoint.read
    if read is None:
        raise browser.secret_key_required()
    sent = decode(text)
    with call.ledger.transaction():
        asked = json.dumps(sent, sort_keys=True)
        if call.key and (kept := call.ledger.answer(call.key)):
            return _replay(call.key, kept, path, asked)
        reply = _perform(endpoint, call, read(sent, ""), identifier)
        if call.key:
            call.ledger.keep(call.key, Answer(path, asked, reply.status, reply.body))
    return reply


def check_key(key: str) -> None:
    """Refuse a key that is none.

    Raises:
        Problem: it is too long or has characters that no header should have.
    """
    if len(key) > MAX_KEY or not key.isascii():
        raise invalid(f"Idempotency keys can have up to {MAX_KEY} ASCII characters.")


def check_version(version: str) -> None:
    """Refuse a version of the API that is not stood in for.

    Raises:
        Problem: it is another one.
    """
    if version != API_VERSION:
        raise invalid(f"Here the API is as in version {API_VERSION}, not {version}.")


def in_use(key: str) -> Problem:
    """A request came while another with its key is carried out."""
    message = (
        "There is currently another in-progress request using this idempotency key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later."
    )
    return invalid(message, code="idempotency_key_in_use", status=409)


def unknown_error() -> Problem:
    """Something broke at the provider."""
    return Problem(500, described("api_error", "An unknown error occurred"))


def too_many() -> Problem:
    """The shop asks more often than it may (https://docs.stripe.com/rate-limits)."""
    message = (
        "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."
    )
    return invalid(message, code="rate_limit", status=429)


def not_allowed() -> Problem:
    """The shop's account may not do that with any request."""
    return invalid("Your account cannot currently make live charges.", code="account_invalid")


def break_down(_call: Call, _given: Parameters, _identifier: str) -> Object:
    """Fail a request: like any response, this one is stored under its key."""
    raise unknown_error()


def _perform(endpoint: Endpoint, call: Call, given: Parameters, identifier: str) -> Reply:
    try:
        status, body = 200, endpoint.perform(call, given, identifier)
        shown = browser.shown(body) if call.is_browser else body
    except Problem as problem:
        status, body = problem.status, problem.body
        shown = browser.shown_error(body) if call.is_browser else body
    return Reply(status, json.dumps(shown))


def _replay(key: str, kept: Answer, path: str, asked: str) -> Reply:
    other = f"Try using a key other than '{key}' if you meant to execute a different request."
    if kept.path != path:
        difference = f"for the same endpoint they were first used for ('{kept.path}' vs '{path}')"
    elif kept.parameters != asked:
        difference = "with the same parameters they were first used with"
    else:
        return Reply(kept.status, kept.body, replayed=True)
    message = f"Keys for idempotent requests can only be used {difference}. {other}"
    raise Problem(400, described("idempotency_error", message))
