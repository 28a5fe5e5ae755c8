"""Transactions: all writes of a piece of work or none.

Reads are sent as they come; writes are collected and sent at the end, all in one command (`bulkWrite`, MongoDB 8.0):
a command costs client and server more than the row that it writes.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import pymongo
from bson import ObjectId
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import ClientBulkWriteException, DuplicateKeyError, OperationFailure, PyMongoError

from functions.shared.storage.database import TIMEOUT_SECONDS, Document, Documents

Result = TypeVar("Result")
Write = InsertOne[Document] | ReplaceOne[Document] | UpdateOne | DeleteOne

# Transactions last milliseconds. One that lasts is that of a process which was killed in it; the server ends it after
# ten seconds, as mongo.yaml in knative/ sets it, and until then threads that wait for its rows would be missing for
# all others.
CONTENTION_SECONDS = 2
LET_GO_SECONDS = 1
DUPLICATE_KEY, WRITE_CONFLICT = 11000, 112


class StaleWrite(Exception):
    """A row is no longer what a write takes it for: another transaction has changed it or taken it away."""


class Transaction:
    """A transaction under way. Reads take its `session`, and see nothing of `writes`, which are sent at its end."""

    def __init__(self, database: Documents, session: ClientSession) -> None:
        self.session = session
        self._database = database.name
        self.writes: list[Write] = []

    def insert(self, collection: str, row: Document) -> None:
        """Write a new row."""
        self.writes.append(InsertOne(row, namespace=f"{self._database}.{collection}"))

    def replace(
        self, collection: str, row_id: str, row: Document, *, upsert: bool = False, was: Document | None = None
    ) -> None:
        """Write all of a row anew; `was` is what it must still be."""
        this = {"_id": ObjectId(row_id), **(was or {})}
        self.writes.append(ReplaceOne(this, row, upsert=upsert, namespace=f"{self._database}.{collection}"))

    def update(self, collection: str, row_id: str, change: Document) -> None:
        """Write parts of a row."""
        self.writes.append(UpdateOne({"_id": ObjectId(row_id)}, change, namespace=f"{self._database}.{collection}"))

    def delete(self, collection: str, row_id: str) -> None:
        """Take a row away."""
        self.writes.append(DeleteOne({"_id": ObjectId(row_id)}, namespace=f"{self._database}.{collection}"))

    def send(self) -> None:
        """Send what was collected.

        Raises:
            StaleWrite: a row that was to be replaced or updated is not there, or not what it was.
            pymongo.errors.DuplicateKeyError: a unique index does not take it.
            pymongo.errors.PyMongoError: another transaction won, or the database did not take it.
        """
        if self.writes:
            try:
                written = self.session.client.bulk_write(self.writes, session=self.session)
            except ClientBulkWriteException as error:
                raise _cause(error) from error
            rows = sum(isinstance(write, ReplaceOne | UpdateOne) for write in self.writes)
            if written.matched_count + written.upserted_count < rows:
                raise StaleWrite


def transaction(database: Documents, work: Callable[[Transaction], Result]) -> Result:
    """Run `work` in one transaction on the database. It runs again when another transaction won.

    Raises:
        StaleWrite: a row that was to be replaced or updated is not there, or not what it was.
        pymongo.errors.DuplicateKeyError: a unique index does not take it.
        pymongo.errors.PyMongoError: the database did not take it within TIMEOUT_SECONDS.
        TimeoutError: another transaction held a row of it for CONTENTION_SECONDS.
    """
    contended = time.monotonic() + CONTENTION_SECONDS

    def attempt(session: ClientSession) -> Result:
        try:
            return _carry_out(work, Transaction(database, session))
        except OperationFailure as error:
            if error.code == WRITE_CONFLICT and time.monotonic() > contended:
                raise TimeoutError("another transaction does not let go of a row") from error
            raise

    # Every attempt reads what is newest, from the primary; to be consistent with an earlier one means nothing to it.
    with database.client.start_session(causal_consistency=False) as session:
        try:
            with pymongo.timeout(TIMEOUT_SECONDS):
                return session.with_transaction(attempt)
        except PyMongoError as error:
            if error.timeout:
                _let_go(session)
            raise


def _carry_out(work: Callable[[Transaction], Result], under_way: Transaction) -> Result:
    result = work(under_way)
    under_way.send()
    return result


def _let_go(session: ClientSession) -> None:
    """End on the server what is out of time: the driver then sends no abort, and rows stay locked."""
    with suppress(PyMongoError), pymongo.timeout(LET_GO_SECONDS):
        session.client.admin.command("killSessions", [session.session_id])


def _cause(error: ClientBulkWriteException) -> PyMongoError:
    """What went wrong, as a command for one row would say it: with_transaction and callers go by that."""
    if isinstance(error.error, PyMongoError):
        return error.error
    for refused in error.details["writeErrors"]:
        if refused["code"] == DUPLICATE_KEY:
            return DuplicateKeyError(refused["errmsg"], DUPLICATE_KEY, refused)
    return error
