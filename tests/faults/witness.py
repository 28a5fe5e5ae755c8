"""Looks at databases and log from outside, and takes a picture of what is kept while nothing is under way."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from pymongo import MongoClient

from tests.e2e.stack import Stack
from tests.faults.log import Log

PATIENCE_SECONDS = 300  # retries wait for up to a minute
LIVE = ("created", "awaiting:payment", "complete")

Row = dict[str, Any]
Rows = dict[str, Row]


@dataclass(frozen=True)
class Mark:
    """How far everything is. Two equal marks: nothing happened between them."""

    outbox: int  # rows of both outboxes
    unpublished: int
    live: int  # orders
    stored: int  # the log's last sequence
    undelivered: int  # of all Triggers together
    unacknowledged: int
    due: int  # expired, and on their way into the log
    scheduled: int

    @property
    def calm(self) -> bool:
        """Whether nothing is under way but reservations that have not expired."""
        return not (self.unpublished or self.undelivered or self.unacknowledged or self.due)

    @property
    def over(self) -> bool:
        """Whether the last reservation has expired too."""
        return self.calm and not (self.scheduled or self.live)


@dataclass(frozen=True)
class Snapshot:
    """What is kept: rows by their ids, `events` of both outboxes, `logged` with how often each is in the log."""

    mark: Mark
    at: datetime
    orders: Rows
    reservations: Rows
    tickets: Rows
    replicas: Rows  # of tickets, in orders
    dead_letters: list[str]
    events: list[Row] = field(default_factory=list)
    logged: Counter[tuple[str, str]] = field(default_factory=Counter)
    emails: set[str] = field(default_factory=set)


class Witness:
    """Somebody with clients of their own."""

    def __init__(self, stack: Stack) -> None:
        uri = stack.process_of("orders-create").environ()["MONGO_URI"]
        self._log = Log(stack.process_of("bridge").environ()["NATS_URL"])
        self._client: MongoClient[Row] = MongoClient(uri, tz_aware=True)
        self._orders, self._tickets = self._client["orders"], self._client["tickets"]
        self._users = self._client["auth"]["users"]
        self._outboxes = [self._orders["outbox"], self._tickets["outbox"]]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def calm(self) -> Snapshot:
        """Orders that are live, their reservations, and all tickets, at a moment when no event is under way."""
        return self._picture(lambda mark: mark.calm, self._what_stands)

    def end(self) -> Snapshot:
        """All that is kept, when everything has come to its end."""
        return self._picture(lambda mark: mark.over, self._everything)

    def _picture(self, wanted: Callable[[Mark], bool], take: Callable[[Mark], Snapshot]) -> Snapshot:
        """If the moment never comes, it is taken as things are then; the mark in it tells."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            mark = self._mark()
            late = time.monotonic() > deadline
            if wanted(mark) or late:
                taken = take(mark)
                if late or self._mark() == mark:
                    return taken
            time.sleep(0.05)

    def _mark(self) -> Mark:
        return Mark(
            outbox=sum(outbox.count_documents({}) for outbox in self._outboxes),
            unpublished=sum(outbox.count_documents({"publishedAt": None}) for outbox in self._outboxes),
            live=self._orders["orders"].count_documents({"status": {"$in": LIVE}}),
            **self._log.progress(),
        )

    def _what_stands(self, mark: Mark) -> Snapshot:
        return Snapshot(
            mark=mark,
            at=datetime.now(UTC),
            orders=_by_id(self._orders["orders"].find({"status": {"$in": LIVE}})),
            reservations=_by_id(self._tickets["reservations"].find({"live": True})),
            tickets=_by_id(self._tickets["tickets"].find()),
            replicas=_by_id(self._orders["tickets"].find()),
            dead_letters=self._log.dead_letters(),
        )

    def _everything(self, mark: Mark) -> Snapshot:
        return Snapshot(
            mark=mark,
            at=datetime.now(UTC),
            orders=_by_id(self._orders["orders"].find()),
            reservations=_by_id(self._tickets["reservations"].find()),
            tickets=_by_id(self._tickets["tickets"].find()),
            replicas=_by_id(self._orders["tickets"].find()),
            dead_letters=self._log.dead_letters(),
            events=[row["event"] for outbox in self._outboxes for row in outbox.find()],
            logged=self._log.stored(),
            emails={row["email"] for row in self._users.find()},
        )


def _by_id(rows: Iterable[Row]) -> Rows:
    return {str(row["_id"]): row for row in rows}
