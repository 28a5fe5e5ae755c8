"""The database of the service that this function belongs to: one client per process, made when first needed."""

import os
import threading
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from events.credentials import mongo_user

Document = dict[str, Any]
Documents = Database[Document]
Row = TypeVar("Row", bound=Mapping[str, Any])

# Longer than a failover's election, as initiate.js in knative/ sets it; shorter than the time that callers wait:
# with_transaction alone retries two minutes.
TIMEOUT_SECONDS = 8

_databases: dict[str, Documents] = {}
_lock = threading.Lock()


def new_id() -> str:
    """Return a new id; later ones sort later, to the second."""
    return str(ObjectId())


def database() -> Documents:
    """Return the database that MONGO_URI names, as the user that MONGO_USER names if there is one."""
    uri = os.environ["MONGO_URI"]
    with _lock:
        if uri not in _databases:
            client: MongoClient[Document] = MongoClient(
                uri,
                tz_aware=True,
                timeoutMS=TIMEOUT_SECONDS * 1000,
                appname=os.environ.get("K_SERVICE"),
                **mongo_user(os.environ),
            )
            _databases[uri] = client.get_default_database()
        return _databases[uri]


def collection(database: Documents, name: str, row: type[Row]) -> Collection[Row]:  # noqa: ARG001 - for its type
    """Return the collection, typed by the shape of its rows."""
    return cast("Collection[Row]", database[name])


def keep_newest(name: str, row_id: str, row: Mapping[str, Any]) -> None:
    """Store a replica's row unless the same or a later `version` is stored: conditional writes, safe to repeat."""
    rows, older = database()[name], {"_id": ObjectId(row_id), "version": {"$lt": row["version"]}}
    try:
        rows.replace_one(older, row, upsert=True)
    except DuplicateKeyError:
        # The row is there: it is not older, or another delivery inserted an older one at the same moment.
        rows.replace_one(older, row)
