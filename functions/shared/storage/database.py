"""The database of the service that this function belongs to: one client per process, made when first needed."""

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId
from pymongo import IndexModel, MongoClient
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

Document = dict[str, Any]
Documents = Database[Document]

# Longer than a failover's election, as initiate.js in knative/ sets it; shorter than a caller's patience:
# with_transaction alone retries two minutes.
TIMEOUT_SECONDS = 8

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


def keep_newest(collection: str, row_id: str, row: Document) -> None:
    """Keep a replica's row unless the same or a later `version` of it is there: conditional writes, safe to repeat."""
    rows, older = database()[collection], {"_id": ObjectId(row_id), "version": {"$lt": row["version"]}}
    try:
        rows.replace_one(older, row, upsert=True)
    except DuplicateKeyError:
        # The row is there: it is not older, or another delivery inserted an older one at the same moment.
        rows.replace_one(older, row)
