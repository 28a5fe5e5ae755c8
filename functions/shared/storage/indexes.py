"""Indexes: what makes two of them the same, and the check that those which carry a guarantee are there.

Services declare theirs as IndexModel beside the shape of the rows. `migration.py` builds them; functions only check.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import IndexModel
from pymongo.errors import OperationFailure

from functions.shared import log
from functions.shared.errors import NotMigrated
from functions.shared.storage.database import Document, Documents, database

Indexes = Mapping[str, Sequence[IndexModel]]  # by collection
Definition = tuple[list[tuple[str, Any]], dict[str, Any]]  # keys in their order, and options

NAMESPACE_NOT_FOUND = 26
_OPTIONS = ("unique", "sparse", "partialFilterExpression", "expireAfterSeconds")

_verified: set[tuple[str, str]] = set()  # URI of a database, and collection


def require_indexes(guarantees: Indexes) -> Documents:
    """Return the database, which has these indexes; asks the server once per process and collection.

    Raises:
        NotMigrated: one is missing, is being built, or has another definition.
    """
    db, uri = database(), os.environ["MONGO_URI"]
    for name, models in guarantees.items():
        if (uri, name) not in _verified:
            _require(db, name, models)
            _verified.add((uri, name))
    return db


def _require(db: Documents, name: str, models: Sequence[IndexModel]) -> None:
    ready = [definition(index) for index in listed(db, name) if not is_being_built(index)]
    for model in models:
        if definition(model.document) not in ready:
            service = log.function_name().partition("-")[0]
            log.error(
                "index of a guarantee is missing; requests get 503 until the migration has built it",
                collection=name,
                index=model.document["name"],
                run=f"python -m functions.{service}.migrate",
            )
            raise NotMigrated


def listed(db: Documents, name: str) -> list[Document]:
    """Return the indexes of a collection, also those that are being built, which have `indexBuildInfo`."""
    try:
        found = db.command("listIndexes", name, includeIndexBuildInfo=True)["cursor"]["firstBatch"]
    except OperationFailure as error:
        if error.code == NAMESPACE_NOT_FOUND:
            return []
        raise
    # MongoDB nests the definition in `spec`; SecantusDB, which builds an index while all else waits, does not.
    return [{**index, **index.get("spec", {})} for index in found]


def is_being_built(index: Document) -> bool:
    """Tell if an index, as `listed` returns it, guarantees nothing yet."""
    return "indexBuildInfo" in index


def definition(index: Document) -> Definition:
    """Return what makes two indexes the same, under whichever names: keys and options."""
    options = {name: index[name] for name in _OPTIONS if index.get(name) not in (None, False)}
    return list(index["key"].items()), options
