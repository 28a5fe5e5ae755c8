"""A POST that creates, sent again with the same key, creates once and is answered as it was the first time.

The key is the header `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header-07), or source and id of a
request that is a CloudEvent. Row: `{_id, fingerprint, attempt, heldUntil, answer: {status, body, headers} | null}`.

A row without an answer marks an attempt in flight. `keep` puts the answer there, in the very transaction that creates;
an attempt that was taken over meanwhile finds its mark gone and stores nothing. So of all attempts with one key one
commits, however slow the others are.
"""

import functools
import hashlib
import hmac
import os
import re
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Protocol

import msgspec
import pymongo
from flask import Request
from pymongo import IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, PyMongoError

from events.keyring import keys
from functions.shared import log
from functions.shared.clock import now
from functions.shared.errors import InProgress, KeyReused, MalformedKey
from functions.shared.storage.database import Document, ensure_indexes, new_id
from functions.shared.storage.transaction import LET_GO_SECONDS, Transaction, transaction
from functions.shared.web import body, cloudevent
from functions.shared.web.http import Answer, Route

HEADER = "Idempotency-Key"
REQUEST_LIMIT = timedelta(seconds=30)  # timeoutSeconds in knative/: nobody waits for an attempt beyond it
LIFETIME_SECONDS = 24 * 3600
INDEXES = {"idempotency": [IndexModel("heldUntil", expireAfterSeconds=LIFETIME_SECONDS)]}

# The draft's form is a string of RFC 9651, in quotes; most clients leave them out.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"')
_BARE = re.compile("[!#-~]{1,255}")


class Caller(Protocol):
    """Whom a key belongs to."""

    @property
    def id(self) -> str:
        """The user's id."""


@dataclass(frozen=True)
class Attempt:
    """One try to answer a request: `key` names the row, `id` tells this attempt from others with the same key.

    `fingerprints` are those of the body, with each of JWT_KEY: one that is kept may be of a key that signs no more.
    """

    key: str
    fingerprints: list[str]
    id: str


_current: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def anyone(_: Request) -> None:
    """On a route for anyone, keys belong to nobody."""


def idempotent(by: Callable[[Request], Caller | None]) -> Callable[[Route], Route]:
    """Let requests to a route carry a key; `by` tells whose it is, or refuses. Without a key nothing is stored."""

    def decorate(function: Route) -> Route:
        @functools.wraps(function)
        def answer(request: Request) -> Answer:
            if HEADER not in request.headers and not cloudevent.is_cloudevent(request.headers):
                return function(request)
            attempt = _attempt(request, by(request))
            return _claim(attempt) or _carry_out(function, request, attempt)

        return answer

    return decorate


def keep(answer: Answer, storing: Transaction) -> None:
    """Store the answer to a request that has a key, as part of the transaction of what it tells of; once per request.

    Raises:
        InProgress: another attempt has taken over.
    """
    if not offer(answer, storing):
        raise InProgress


def offer(answer: Answer, storing: Transaction) -> bool:
    """Store the answer like `keep`, but to what has happened already, whoever has the key now; False if another has."""
    if (attempt := _current.get()) is None:
        return True
    kept = {"$set": {"answer": _to_row(answer)}}
    return _rows().update_one(_mark(attempt), kept, session=storing.session).matched_count == 1


def request() -> str | None:
    """What tells the current request from all others, whichever attempt at it this is; None if it has no key."""
    return attempt.fingerprints[0] if (attempt := _current.get()) else None


def repeats(earlier: str | None) -> bool:
    """Whether the current request is that one again: with its key, from its caller, with its body."""
    return earlier in attempt.fingerprints if (attempt := _current.get()) else False


def _attempt(request: Request, caller: Caller | None) -> Attempt:
    scope = [log.function_name(), caller.id if caller else ""]
    key = hashlib.sha256(msgspec.json.encode(scope + _key(request))).hexdigest()
    # A body may hold a password: who reads the database must not be able to try some out, so a secret goes in.
    told = key.encode() + body.content(request)
    fingerprints = [hmac.new(secret.encode(), told, "sha256").hexdigest() for secret in keys(os.environ["JWT_KEY"])]
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


def _claim(attempt: Attempt) -> Answer | None:
    """Mark the key as this attempt's; if it has its answer already, that one.

    Raises:
        InProgress: another attempt is in flight.
        KeyReused: the key came with another body.
    """
    try:
        return None if _is_first(attempt) else _earlier(attempt)
    except PyMongoError:
        _let_go(attempt)  # the mark may be there, and only the answer lost
        raise


def _is_first(attempt: Attempt) -> bool:
    mark = _mark(attempt) | {"fingerprint": attempt.fingerprints[0], "heldUntil": now() + REQUEST_LIMIT}
    with suppress(DuplicateKeyError):
        _rows().insert_one(mark)
        return True
    return False


def _earlier(attempt: Attempt) -> Answer | None:
    """The answer to an earlier attempt; None if that one is out of time, and this one has taken over."""
    row = _rows().find_one({"_id": attempt.key})
    if row and row["fingerprint"] not in attempt.fingerprints:
        raise KeyReused
    if row and row["answer"]:
        return _from_row(row["answer"])
    # Without a row, the earlier attempt has failed just now.
    if row is None or row["heldUntil"] > now() or not _takes_over(attempt, row):
        raise InProgress
    return None


def _takes_over(attempt: Attempt, row: Document) -> bool:
    """Whether the mark in this row is now this attempt's: of two takers one finds it as it was."""
    mark = {"$set": {"attempt": attempt.id, "heldUntil": now() + REQUEST_LIMIT}}
    rows = _rows()
    try:
        # Outside of a transaction the write would wait on the server for one that holds the row.
        taken = transaction(rows.database, lambda taking: rows.update_one(row, mark, session=taking.session))
    except TimeoutError:  # the earlier attempt is storing its answer at last, or was killed as it did
        return False
    return taken.matched_count == 1


def _carry_out(function: Route, request: Request, attempt: Attempt) -> Answer:
    token = _current.set(attempt)
    try:
        return function(request)
    finally:
        _current.reset(token)
        _let_go(attempt)


def _let_go(attempt: Attempt) -> None:
    """Take the mark away, so that a retry need not wait; what has its answer stays."""
    with suppress(PyMongoError), pymongo.timeout(LET_GO_SECONDS):
        _rows().delete_one(_mark(attempt))


def _mark(attempt: Attempt) -> Document:
    """The row as this attempt's, and without an answer."""
    return {"_id": attempt.key, "attempt": attempt.id, "answer": None}


def _rows() -> Collection[Document]:
    return ensure_indexes(INDEXES)["idempotency"]


def _to_row(answer: Answer) -> Document:
    headers = {name: value for name, value in answer.headers.items() if name != "Set-Cookie"}
    content = None if answer.body is None else msgspec.json.encode(answer.body).decode()
    return {"status": answer.status.value, "body": content, "headers": headers}


def _from_row(row: Document) -> Answer:
    content = None if row["body"] is None else msgspec.Raw(row["body"])
    return Answer(HTTPStatus(row["status"]), content, row["headers"])
