"""What the stand-in knows: intents, charges, refunds and the answers to requests with a key, in one SQLite file."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

KEY_SECONDS = 24 * 3600
FIRST_PAGE = 2**63 - 1

# An object's sequence tells which of two came first, which `created`, in whole seconds, does not.
SCHEMA = """
pragma journal_mode = wal;
pragma synchronous = full;
create table if not exists objects (
    sequence integer primary key autoincrement, id text unique not null, kind text not null, intent text,
    created integer not null, body text not null
);
create index if not exists objects_by_kind on objects (kind, sequence);
create index if not exists objects_by_intent on objects (intent, kind, sequence);
create table if not exists answers (
    key text primary key, path text not null, parameters text not null, status integer not null, body text not null,
    created real not null
);
"""
PAGE = """
select body from objects where kind = :kind and sequence < :before and (:intent is null or intent = :intent)
order by sequence desc limit :limit
"""

Object = dict[str, Any]


class Answer(NamedTuple):
    """The answer to a request with a key, and what was asked."""

    path: str
    parameters: str
    status: int
    body: str


def open_database(path: Path) -> sqlite3.Connection:
    """The file of the whole stand-in; what is committed survives a kill."""
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(SCHEMA)
    return database


class Ledger:
    """Reads and writes the file; objects are dicts as Stripe shows them."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything within happens or nothing."""
        self._database.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")

    def save(self, item: Object) -> None:
        """Store a new object, or a known one as it is now."""
        statement = """
            insert into objects (id, kind, intent, created, body) values (:id, :kind, :intent, :created, :body)
            on conflict (id) do update set body = excluded.body
        """
        row = {"id": item["id"], "kind": item["object"], "intent": item.get("payment_intent")}
        self._database.execute(statement, row | {"created": item["created"], "body": json.dumps(item)})

    def find(self, kind: str, identifier: str) -> Object | None:
        """The object with this id."""
        statement = "select body from objects where id = ? and kind = ?"
        row = self._database.execute(statement, [identifier, kind]).fetchone()
        return json.loads(row[0]) if row else None

    def page(self, kind: str, limit: int, after: str | None, intent: str | None = None) -> list[Object]:
        """Objects of a kind, newest first, after one of them."""
        before = self._sequence(after) if after else FIRST_PAGE
        wanted = {"kind": kind, "limit": limit, "before": before, "intent": intent}
        return [json.loads(body) for (body,) in self._database.execute(PAGE, wanted)]

    def all(self, kind: str) -> list[Object]:
        """Every object of a kind, oldest first."""
        rows = self._database.execute("select body from objects where kind = ? order by sequence", [kind])
        return [json.loads(body) for (body,) in rows]

    def with_metadata(self, kind: str, name: str, value: str) -> list[Object]:
        """Return the objects of a kind with this item of metadata, newest first."""
        statement = """
            select body from objects where kind = ? and json_extract(body, '$.metadata.' || ?) = ?
            order by sequence desc
        """
        return [json.loads(body) for (body,) in self._database.execute(statement, [kind, name, value])]

    def answer(self, key: str) -> Answer | None:
        """What was answered to the first request with this key."""
        statement = "select path, parameters, status, body from answers where key = ? and created > ?"
        row = self._database.execute(statement, [key, time.time() - KEY_SECONDS]).fetchone()
        return Answer(*row) if row else None

    def keep(self, key: str, answer: Answer) -> None:
        """Keep an answer for as long as keys last."""
        now = time.time()
        self._database.execute("delete from answers where created <= ?", [now - KEY_SECONDS])
        self._database.execute("insert into answers values (?, ?, ?, ?, ?, ?)", [key, *answer, now])

    def clear(self) -> None:
        """Forget everything."""
        self._database.execute("delete from objects")
        self._database.execute("delete from answers")

    def _sequence(self, identifier: str) -> int:
        row = self._database.execute("select sequence from objects where id = ?", [identifier]).fetchone()
        return int(row[0])
