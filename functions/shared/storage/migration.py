"""Brings the database of a service to the shape that this version's code needs: its indexes, then its rows.

A Job runs it before functions of a new version get requests. It may run at any time, twice at once, and again after it
was killed. What only the earlier version needs ends when no process of it can be left, ROLLOUT later:

- An index whose definition has changed is built beside the old one, as `<name>_<hash of the definition>`; the name
  alone is that of the first definition. A run that comes ROLLOUT or longer after the one that built it drops the old.
- A migration of rows is carried out by each run until one that comes ROLLOUT or longer after the first.

The collection `migrations` has one row for each of both: see MigrationRow.
"""

import hashlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NotRequired, TypedDict

import msgspec
import pymongo
from pymongo import IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from functions.shared import log, trace
from functions.shared.clock import now
from functions.shared.storage.database import Document, Documents, collection, database
from functions.shared.storage.indexes import Indexes, definition, is_being_built, listed

ROLLOUT = timedelta(hours=1)
MAX_SECONDS = 6 * 3600.0  # the Job's activeDeadlineSeconds; an index of a large collection takes its time
INDEX_NOT_FOUND = 27
PAGE = 500  # rows
TIME_TO_LIVE = "expireAfterSeconds"


@dataclass(frozen=True)
class Migration:
    """A change of all rows of an earlier shape.

    `rewrite` returns how many rows it changed. It is repeated: what it has changed, it does not find again. Code of
    this version reads the earlier shape, too. `name` never changes.
    """

    name: str
    rewrite: Callable[[Documents], int]


class MigrationRow(TypedDict):
    """A migration that was carried out, or an index of an earlier definition.

    `_id` is the migration's name, or `<collection>.<index>`; `since` is when a run first noted it. A migration is
    `finished` once no run needs to repeat it.
    """

    _id: str
    since: datetime
    finished: NotRequired[bool]


def run(indexes: Indexes, migrations: Sequence[Migration] = ()) -> None:
    """Migrate the database that MONGO_URI names; end with status 1 if that fails."""
    trace.follow(None)
    try:
        migrate(indexes, migrations)
    except PyMongoError as error:
        log.exception("migration failed; run it again, it goes on where it was", error)
        sys.exit(1)


def migrate(indexes: Indexes, migrations: Sequence[Migration] = ()) -> None:
    """Build indexes and change rows, then drop indexes that are no longer needed.

    Raises:
        PyMongoError: the database failed, or rows break the guarantee of an index.
    """
    db = database()
    with pymongo.timeout(MAX_SECONDS):
        for name, models in indexes.items():
            for model in models:
                _ensure(db, name, model)
        for migration in migrations:
            _carry_out(db, migration)
        obsolete = [
            (name, old) for name, models in indexes.items() for model in models for old in _obsolete(db, name, model)
        ]
        kept = [f"{name}.{index}" for name, index in obsolete if not _drop_when_unused(db, name, index)]
        # A version that runs again after a later one does not know that one's migrations, and undoes them.
        known = [migration.name for migration in migrations]
        _rows(db).delete_many({"_id": {"$nin": known + kept}})


def _ensure(db: Documents, name: str, model: IndexModel) -> None:
    """Build an index unless there is one of the same definition."""
    wanted = definition(model.document)
    existing = listed(db, name)
    if any(definition(index) == wanted and not is_being_built(index) for index in existing):
        return
    for index in [index for index in existing if _differs_in_time_only(index, model.document)]:
        _drop(db, name, index["name"])
        existing.remove(index)
    built = {**model.document, "name": _free_name(existing, model)}
    try:
        db.command("createIndexes", name, indexes=[built])
    except DuplicateKeyError as error:
        log.error("index not built: rows break its guarantee", collection=name, index=built["name"], rows=str(error))
        raise
    log.info("index built", collection=name, index=built["name"])


def _free_name(existing: Sequence[Document], model: IndexModel) -> str:
    """Return the declared name, or if an index of another definition has it, one that tells the definition."""
    name, wanted = model.document["name"], definition(model.document)
    if all(index["name"] != name or definition(index) == wanted for index in existing):
        return str(name)
    return f"{name}_{hashlib.sha256(msgspec.json.encode(wanted)).hexdigest()[:8]}"


def _differs_in_time_only(index: Document, declared: Document) -> bool:
    """Tell if two indexes that delete rows differ in when: MongoDB cannot have both, and no function needs them."""
    if TIME_TO_LIVE not in index or TIME_TO_LIVE not in declared:
        return False
    return definition({**index, TIME_TO_LIVE: None}) == definition({**declared, TIME_TO_LIVE: None})


def _obsolete(db: Documents, name: str, model: IndexModel) -> list[str]:
    """Return the names of the indexes that have earlier definitions of a declared one."""
    pattern, wanted = re.compile(re.escape(model.document["name"]) + "(_[0-9a-f]{8})?"), definition(model.document)
    return [
        index["name"] for index in listed(db, name) if pattern.fullmatch(index["name"]) and definition(index) != wanted
    ]


def _drop_when_unused(db: Documents, name: str, index: str) -> bool:
    """Drop an index unless a process of the earlier version may need it; return False if it stays."""
    if _since(db, f"{name}.{index}") + ROLLOUT > now():
        log.info("index of an earlier definition stays until the rollout is over", collection=name, index=index)
        return False
    _drop(db, name, index)
    return True


def _drop(db: Documents, name: str, index: str) -> None:
    try:
        db[name].drop_index(index)
    except OperationFailure as error:
        if error.code != INDEX_NOT_FOUND:  # another run has dropped it
            raise
    log.info("index of an earlier definition dropped", collection=name, index=index)


def _carry_out(db: Documents, migration: Migration) -> None:
    """Carry out a migration, unless it was carried out after the last process of an earlier version."""
    began = now()
    row = _rows(db).find_one({"_id": migration.name})
    if row and row.get("finished"):
        return
    changed = migration.rewrite(db)
    if _since(db, migration.name) + ROLLOUT < began:
        _rows(db).update_one({"_id": migration.name}, {"$set": {"finished": True}})
    log.info("rows migrated", migration=migration.name, rows=changed)


def pages(rows: Collection[Document], query: Document, fields: Sequence[str]) -> Iterator[list[Document]]:
    """Yield the rows that match, with `_id` and these fields, in the order of ids; each is found once."""
    after: Document = {}
    while page := list(rows.find({**query, **after}, fields).sort("_id").limit(PAGE)):
        yield page
        after = {"_id": {"$gt": page[-1]["_id"]}}


def _since(db: Documents, row_id: str) -> datetime:
    """Return when a run first noted it, which is now if none has."""
    with suppress(DuplicateKeyError):
        _rows(db).insert_one({"_id": row_id, "since": now()})
    row = _rows(db).find_one({"_id": row_id})
    return row["since"] if row else now()


def _rows(db: Documents) -> Collection[MigrationRow]:
    return collection(db, "migrations", MigrationRow)
