"""A POST that creates, sent again with the same idempotency key, creates once and gets the first response again.

The key is the header `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header-07), or source and id of a
request that is a CloudEvent.

A row without a response marks an attempt in flight. `save_response` puts the response there, in the very transaction
that creates; an attempt whose mark was taken over meanwhile finds it gone and stores nothing. So of all attempts with
one key one commits, however slow the others are.
"""

import functools
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Protocol, TypedDict

import msgspec
import pymongo
from flask import Request
from pymongo import IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, PyMongoError

from events import keyring
from functions.shared import log, settings
from functions.shared.clock import now
from functions.shared.errors import InProgress, KeyReused, MalformedKey
from functions.shared.storage.database import collection, database, new_id
from functions.shared.storage.transaction import RELEASE_SECONDS, Transaction, transaction
from functions.shared.web import body, cloudevent
from functions.shared.web.http import Response, Route

HEADER = "Idempotency-Key"
REQUEST_LIMIT = timedelta(seconds=30)  # timeoutSeconds in knative/: no caller waits for an attempt beyond it
LIFETIME_SECONDS = 24 * 3600
INDEXES = {"idempotency": [IndexModel("heldUntil", expireAfterSeconds=LIFETIME_SECONDS)]}

# The draft's form is a string of RFC 9651, in quotes; most clients leave them out.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"')
_BARE = re.compile("[!#-~]{1,255}")


class StoredResponse(TypedDict):
    """A response as it is replayed; `body` is JSON text, or None for a response without a body."""

    status: int
    body: str | None
    headers: dict[str, str]


class Row(TypedDict):
    """What is stored for a key: the attempt that holds it, until when it is locked, and the response once there is one.

    `_id` is a hash of function, user and key, `fingerprint` one of the body. The index deletes a row a day after
    `heldUntil`.
    """

    _id: str
    fingerprint: str
    attempt: str
    heldUntil: datetime
    answer: StoredResponse | None


class Caller(Protocol):
    """The user that a key belongs to."""

    @property
    def id(self) -> str:
        """The user's id."""


@dataclass(frozen=True)
class Attempt:
    """One attempt at a request: `key` is the row's id, `id` tells this attempt from others with the same key.

    `fingerprints` are those of the body, with each key of FINGERPRINT_KEY: a stored one may be of an older key.
    """

    key: str
    fingerprints: list[str]
    id: str


settings.check("FINGERPRINT_KEY", keyring.read_secrets)
_current: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def anyone(_: Request) -> None:
    """Tell that a route's keys belong to no user, since it is open to anyone."""


def idempotent(
    by: Callable[[Request], Caller | None], about: Callable[[Request], str] = lambda _: ""
) -> Callable[[Route], Route]:
    """Let requests to a route carry a key, which belongs to the user that `by` finds or refuses.

    `about` returns what the path names, where that belongs to the request as its body does. Nothing is stored for
    requests without a key.
    """

    def decorate(function: Route) -> Route:
        @functools.wraps(function)
        def respond(request: Request) -> Response:
            if HEADER not in request.headers and not cloudevent.is_cloudevent(request.headers):
                return function(request)
            attempt = _attempt(request, by(request), about(request))
            return _claim(attempt) or _carry_out(function, request, attempt)

        return respond

    return decorate


def save_response(response: Response, saving: Transaction) -> None:
    """Store the response to a request that has a key, in the transaction that creates; once per request.

    Raises:
        InProgress: another attempt has taken over.
    """
    if not try_save_response(response, saving):
        raise InProgress


def try_save_response(response: Response, saving: Transaction) -> bool:
    """Store the response like `save_response`; return False if another attempt has taken over.

    For what has already happened and is recorded whichever attempt holds the key.
    """
    if (attempt := _current.get()) is None:
        return True
    change = {"$set": {"answer": _stored(response)}}
    return _rows().update_one(_mark(attempt), change, session=saving.session).matched_count == 1


def request() -> str | None:
    """Return what tells the current request from all others, the same for each attempt; None if it has no key."""
    return attempt.fingerprints[0] if (attempt := _current.get()) else None


def repeats(earlier: str | None) -> bool:
    """Tell if the current request is that earlier one again: with its key, from its caller, with its body."""
    return earlier in attempt.fingerprints if (attempt := _current.get()) else False


def _attempt(request: Request, caller: Caller | None, about: str) -> Attempt:
    scope = [log.function_name(), caller.id if caller else ""]
    key = hashlib.sha256(msgspec.json.encode(scope + _key(request))).hexdigest()
    # A body may hold a password. The hash is keyed, so that a reader of the database cannot try passwords out.
    hashed = key.encode() + about.encode() + body.content(request)
    secrets = keyring.read_secrets(os.environ["FINGERPRINT_KEY"])
    fingerprints = [hmac.new(secret.encode(), hashed, "sha256").hexdigest() for secret in secrets]
    return Attempt(key, fingerprints, new_id())


def _key(request: Request) -> list[str]:
    if HEADER not in request.headers:
        event = cloudevent.receive(request)
        return [event["source"], event["id"]]
    sent = request.headers[HEADER]
    if quoted := _QUOTED.fullmatch(sent):
        return [re.sub(r"\\(.)", r"\1", quoted[1])]
    if _BARE.fullmatch(sent):
        return [sent]
    raise MalformedKey


def _claim(attempt: Attempt) -> Response | None:
    """Mark the key as this attempt's; return its response if it has one already.

    Raises:
        InProgress: another attempt is in flight.
        KeyReused: the key came with another body.
    """
    try:
        return None if _is_first(attempt) else _earlier_response(attempt)
    except PyMongoError:
        _release(attempt)  # the mark may be stored, and only the database's response lost
        raise


def _is_first(attempt: Attempt) -> bool:
    with suppress(DuplicateKeyError):
        _rows().insert_one(
            {
                "_id": attempt.key,
                "fingerprint": attempt.fingerprints[0],
                "attempt": attempt.id,
                "heldUntil": _locked_until(),
                "answer": None,
            }
        )
        return True
    return False


def _earlier_response(attempt: Attempt) -> Response | None:
    """Return the response to an earlier attempt; None if that one's lock has expired, and this one has taken over."""
    row = _rows().find_one({"_id": attempt.key})
    if row and row["fingerprint"] not in attempt.fingerprints:
        raise KeyReused
    if row and row["answer"]:
        return _replayed(row["answer"])
    # Without a row, the earlier attempt has failed just now.
    if row is None or row["heldUntil"] > now() or not _take_over(attempt, row):
        raise InProgress
    return None


def _take_over(attempt: Attempt, row: Row) -> bool:
    """Make the mark in this row this attempt's; return False if it is no longer as it was read."""
    change = {"$set": {"attempt": attempt.id, "heldUntil": _locked_until()}}
    rows = _rows()
    try:
        # Outside of a transaction the write would wait on the server for one that holds the row.
        taken = transaction(database(), lambda taking: rows.update_one(row, change, session=taking.session))
    except TimeoutError:  # the earlier attempt is storing its response at last, or was killed as it did
        return False
    return taken.matched_count == 1


def _carry_out(function: Route, request: Request, attempt: Attempt) -> Response:
    token = _current.set(attempt)
    try:
        return function(request)
    finally:
        _current.reset(token)
        _release(attempt)


def _release(attempt: Attempt) -> None:
    """Delete the mark, so that a retry need not wait; a row that has its response stays."""
    with suppress(PyMongoError), pymongo.timeout(RELEASE_SECONDS):
        _rows().delete_one(_mark(attempt))


def _mark(attempt: Attempt) -> Mapping[str, object]:
    """Return the query for the row as this attempt's, and without a response."""
    return {"_id": attempt.key, "attempt": attempt.id, "answer": None}


def _locked_until() -> datetime:
    return now() + REQUEST_LIMIT


def _rows() -> Collection[Row]:
    return collection(database(), "idempotency", Row)


def _stored(response: Response) -> StoredResponse:
    content = None if response.body is None else msgspec.json.encode(response.body).decode()
    return {"status": response.status.value, "body": content, "headers": response.headers}


def _replayed(stored: StoredResponse) -> Response:
    content = None if stored["body"] is None else msgspec.Raw(stored["body"])
    return Response(HTTPStatus(stored["status"]), content, stored["headers"])
