"""Transactions: all writes of a piece of work or none.

Reads are sent at once; writes are collected and sent at the end, all in one command (`bulkWrite`, MongoDB 8.0): a
command costs client and server more than the row that it writes.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import pymongo
from bson import ObjectId
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import ClientBulkWriteException, DuplicateKeyError, OperationFailure, PyMongoError

from functions.shared import trace
from functions.shared.storage.database import TIMEOUT_SECONDS, Documents

Result = TypeVar("Result")
Row = Mapping[str, Any]
Write = InsertOne[Row] | ReplaceOne[Row] | UpdateOne | DeleteOne

# Transactions last milliseconds. One that lasts longer belongs to a process that was killed in it; the server ends it
# after ten seconds, as mongo.yaml in knative/ sets it. Until then, threads that wait for its rows would be lacking to
# all other requests.
CONTENTION_SECONDS = 2
RELEASE_SECONDS = 1
DUPLICATE_KEY, WRITE_CONFLICT = 11000, 112


class StaleWrite(Exception):
    """A row is no longer as it was read: another transaction has changed or deleted it."""


class Transaction:
    """An open transaction. Reads take its `session`, and do not see `writes`, which are sent at its end."""

    def __init__(self, database: Documents, session: ClientSession) -> None:
        self.session = session
        self._database = database.name
        self.writes: list[Write] = []

    def insert(self, collection: str, row: Row) -> None:
        """Insert a new row."""
        self.writes.append(InsertOne(row, namespace=f"{self._database}.{collection}"))

    def replace(self, collection: str, row_id: str, row: Row, *, upsert: bool = False, was: Row | None = None) -> None:
        """Replace all of a row; `was` are the fields that it must still have."""
        this = {"_id": ObjectId(row_id), **(was or {})}
        self.writes.append(ReplaceOne(this, row, upsert=upsert, namespace=f"{self._database}.{collection}"))

    def update(self, collection: str, row_id: str, change: Row, was: Row | None = None) -> None:
        """Change fields of a row; `was` are conditions that it must meet."""
        this = {"_id": ObjectId(row_id), **(was or {})}
        self.writes.append(UpdateOne(this, change, namespace=f"{self._database}.{collection}"))

    def delete(self, collection: str, row_id: str) -> None:
        """Delete a row."""
        self.writes.append(DeleteOne({"_id": ObjectId(row_id)}, namespace=f"{self._database}.{collection}"))

    def send(self) -> None:
        """Send the collected writes.

        Raises:
            StaleWrite: a row to replace or update is missing, or not as it was read.
            pymongo.errors.DuplicateKeyError: a unique index rejected a write.
            pymongo.errors.PyMongoError: another transaction won, or the database rejected it.
        """
        if self.writes:
            try:
                written = self.session.client.bulk_write(self.writes, session=self.session)
            except ClientBulkWriteException as error:
                raise _cause(error) from error
            rows = sum(isinstance(write, ReplaceOne | UpdateOne) for write in self.writes)
            if written.matched_count + written.upserted_count < rows:
                raise StaleWrite


Step = Callable[[Transaction], object]  # part of a transaction's work


def transaction(database: Documents, work: Callable[[Transaction], Result]) -> Result:
    """Run `work` in one transaction on the database, and again when another transaction won.

    Raises:
        StaleWrite: a row to replace or update is missing, or not as it was read.
        pymongo.errors.DuplicateKeyError: a unique index rejected a write.
        pymongo.errors.PyMongoError: the database did not commit it within TIMEOUT_SECONDS.
        TimeoutError: another transaction locked one of its rows for CONTENTION_SECONDS.
    """
    contended = time.monotonic() + CONTENTION_SECONDS

    def attempt(session: ClientSession) -> Result:
        try:
            return _carry_out(work, Transaction(database, session))
        except OperationFailure as error:
            if error.code == WRITE_CONFLICT and time.monotonic() > contended:
                raise TimeoutError("another transaction keeps a row locked") from error
            raise

    with trace.span(f"transaction {database.name}", trace.Kind.CLIENT, lambda: _attributes(database)):
        return _run(database, attempt)


def _run(database: Documents, attempt: Callable[[ClientSession], Result]) -> Result:
    # Every attempt reads the newest rows from the primary; it need not be consistent with an earlier one.
    with database.client.start_session(causal_consistency=False) as session:
        try:
            with pymongo.timeout(TIMEOUT_SECONDS):
                return session.with_transaction(attempt)
        except PyMongoError as error:
            if error.timeout:
                _abort(session)
            raise


def _attributes(database: Documents) -> trace.Attributes:
    """Return what a span says of a transaction, by OpenTelemetry's conventions for databases."""
    return {"db.system.name": "mongodb", "db.namespace": database.name, "db.operation.name": "transaction"}


def _carry_out(work: Callable[[Transaction], Result], open_transaction: Transaction) -> Result:
    result = work(open_transaction)
    open_transaction.send()
    return result


def _abort(session: ClientSession) -> None:
    """Abort on the server what is out of time: the driver then sends no abort, and rows stay locked."""
    with suppress(PyMongoError), pymongo.timeout(RELEASE_SECONDS):
        session.client.admin.command("killSessions", [session.session_id])


def _cause(error: ClientBulkWriteException) -> PyMongoError:
    """Return the error that a command for one row would raise: with_transaction and callers go by that."""
    if isinstance(error.error, PyMongoError):
        return error.error
    for rejected in error.details["writeErrors"]:
        if rejected["code"] == DUPLICATE_KEY:
            return DuplicateKeyError(rejected["errmsg"], DUPLICATE_KEY, rejected)
    return error
