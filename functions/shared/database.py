"""The database of the service that this function belongs to: one client per process, made when first needed."""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import pymongo
from bson import ObjectId
from pymongo import IndexModel, MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

Document = dict[str, Any]
Documents = Database[Document]
Session = ClientSession
Result = TypeVar("Result")

# Longer than a failover's election, shorter than a caller's patience: with_transaction alone retries two minutes.
TIMEOUT_SECONDS = 8
# Transactions last milliseconds. One that lasts is that of a process which was killed in it; the server ends it after
# a minute, and until then threads that wait for its rows would be missing for all others.
CONTENTION_SECONDS = 2
LET_GO_SECONDS = 1
WRITE_CONFLICT = 112

_databases: dict[str, Documents] = {}
_indexed: set[tuple[str, str]] = set()
_lock = threading.Lock()


def new_id() -> str:
    """A fresh id; later ones sort later, to the second."""
    return str(ObjectId())


def database() -> Documents:
    """The database that MONGO_URI names."""
    uri = os.environ["MONGO_URI"]
    with _lock:
        if uri not in _databases:
            client: MongoClient[Document] = MongoClient(
                uri, tz_aware=True, timeoutMS=TIMEOUT_SECONDS * 1000, appname=os.environ.get("K_SERVICE")
            )
            _databases[uri] = client.get_default_database()
        return _databases[uri]


def ensure_indexes(indexes: Mapping[str, Sequence[IndexModel]]) -> Documents:
    """The database, with these indexes per collection in place; asks the server once per process."""
    db = database()
    uri = os.environ["MONGO_URI"]
    for collection, models in indexes.items():
        if (uri, collection) not in _indexed:
            db[collection].create_indexes(list(models))
            _indexed.add((uri, collection))
    return db


def transaction(work: Callable[[Session], Result]) -> Result:
    """Run `work` in one transaction: all of its writes or none. It runs again when another transaction won.

    Raises:
        pymongo.errors.PyMongoError: the database did not take it within TIMEOUT_SECONDS.
        TimeoutError: another transaction held a row of it for CONTENTION_SECONDS.
    """
    contended = time.monotonic() + CONTENTION_SECONDS

    def attempt(session: Session) -> Result:
        try:
            return work(session)
        except OperationFailure as error:
            if error.code == WRITE_CONFLICT and time.monotonic() > contended:
                raise TimeoutError("another transaction does not let go of a row") from error
            raise

    with database().client.start_session() as session:
        try:
            with pymongo.timeout(TIMEOUT_SECONDS):
                return session.with_transaction(attempt)
        except PyMongoError as error:
            if error.timeout:
                _let_go(session)
            raise


def _let_go(session: Session) -> None:
    """End on the server what is out of time: the driver then sends no abort, and rows stay locked for a minute."""
    with suppress(PyMongoError), pymongo.timeout(LET_GO_SECONDS):
        session.client.admin.command("killSessions", [session.session_id])
