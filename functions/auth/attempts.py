"""Limits on wrong passwords, where all replicas share them: collection `attempts`.

An attempt counts as failed before its password is compared, by one conditional write for each count: so attempts at the
same moment cannot pass together. A right password takes its failures back.

There are two counts for an account: one per client network, and one over all networks in which its owner has not signed
in lately. Many wrong passwords from elsewhere hence do not keep out an owner who comes from a usual network.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from pymongo import IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from functions.auth.domain import TooManyAttempts, email_key, pause
from functions.shared.clock import now
from functions.shared.storage.database import collection, database

FREE_PER_NETWORK = 5  # wrong passwords without a pause
FREE_PER_ACCOUNT = 100
MEMORY = timedelta(days=1)  # of failures, from the end of the last pause on
OWNER_MEMORY = timedelta(days=90)  # of networks in which the owner signed in
MAX_RACES = 10
EPOCH = datetime.fromtimestamp(0, UTC)
INDEXES = {"attempts": [IndexModel("expiresAt", expireAfterSeconds=0)]}


class Row(TypedDict):
    """The failures of an account in one network, or in all that are unknown to it.

    `_id` is a hash, so that the collection lists neither addresses nor emails. No attempt is allowed before `nextAt`.
    The owner signed in from this network if `isOwners`. The index deletes a row at `expiresAt`.
    """

    _id: str
    failures: int
    nextAt: datetime
    isOwners: bool
    expiresAt: datetime


@dataclass(frozen=True)
class Attempt:
    """An attempt to sign in: the ids of the rows that count it."""

    in_network: str
    in_account: str


def begin(email: str, network: str) -> Attempt:
    """Count an attempt, for an address whether or not it has an account.

    Raises:
        TooManyAttempts: it comes before a pause is over, and is not counted.
    """
    attempt = Attempt(_hash(email, network), _hash(email))
    for _ in range(MAX_RACES):
        rows = {row["_id"]: row for row in _rows().find({"_id": {"$in": [attempt.in_network, attempt.in_account]}})}
        if _count_all(attempt, rows):
            return attempt
    raise TooManyAttempts(timedelta(seconds=1))


def succeed(attempt: Attempt) -> None:
    """Take back the failures of an account whose password was right, and remember that the network is its owner's."""
    row = {"failures": 0, "nextAt": EPOCH, "isOwners": True, "expiresAt": now() + OWNER_MEMORY}
    _rows().update_one({"_id": attempt.in_network}, {"$set": row}, upsert=True)
    _rows().delete_one({"_id": attempt.in_account})


def _count_all(attempt: Attempt, rows: Mapping[str, Row]) -> bool:
    """Count an attempt in each row that applies; return False if another attempt was faster."""
    in_network = rows.get(attempt.in_network)
    is_owners = in_network is not None and in_network["isOwners"]
    limits = {} if is_owners else {attempt.in_account: FREE_PER_ACCOUNT}
    limits[attempt.in_network] = FREE_PER_NETWORK  # last: what lost a race is counted again, and fewer share this one
    wait = max((rows[row_id]["nextAt"] for row_id in limits if row_id in rows), default=EPOCH) - now()
    if wait > timedelta():
        raise TooManyAttempts(wait)
    return all(_count(row_id, rows.get(row_id), free) for row_id, free in limits.items())


def _count(row_id: str, seen: Row | None, free: int) -> bool:
    """Store one failure more than `seen` has, and its pause; return False if the row is no longer as it was seen."""
    moment = now()
    is_old = seen is None or seen["nextAt"] < moment - MEMORY
    failures = 1 if seen is None or is_old else seen["failures"] + 1
    next_at = moment + pause(failures - free)
    ends = max(next_at + MEMORY, seen["expiresAt"] if seen else EPOCH)
    row: Row = {
        "_id": row_id,
        "failures": failures,
        "nextAt": next_at,
        "isOwners": seen is not None and seen["isOwners"],
        "expiresAt": ends,
    }
    if seen is not None:
        return _rows().replace_one(seen, row).matched_count == 1
    try:
        _rows().insert_one(row)
    except DuplicateKeyError:
        return False
    return True


def _hash(email: str, network: str = "") -> str:
    return hashlib.sha256(f"{email_key(email)}\n{network}".encode()).hexdigest()


def _rows() -> Collection[Row]:
    return collection(database(), "attempts", Row)
