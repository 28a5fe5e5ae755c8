"""Reads databases, provider and log from outside, and takes snapshots while no event is under way."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import nats.errors
import requests
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.e2e.stack import Stack
from tests.faults.log import Log

PATIENCE_SECONDS = 300  # retries wait for up to a minute
UNPAID = ("created", "awaiting:payment")
LIVE = (*UNPAID, "complete")
UNAVAILABLE = (PyMongoError, nats.errors.Error, requests.RequestException, OSError)
CLOCKS_APART = timedelta(minutes=1)  # the most that clocks of functions and of NATS are shifted against each other

Row = dict[str, Any]
Rows = dict[str, Row]


@dataclass(frozen=True)
class Progress:
    """How far everything is. If it is the same twice, nothing happened in between."""

    outbox: int  # rows of all outboxes
    unpublished: int  # of which, once nothing else is under way, the log has no event
    unpaid: int  # orders that can be paid yet
    stored: int  # the log's last sequence
    undelivered: int  # of all Triggers together
    unacknowledged: int
    parked: int  # waiting for a retry
    replaying: int  # outboxes of which events are to be published again, since the log lost them
    due: int  # expired, and on their way into the log
    scheduled: int
    charges: int  # tries, good or bad
    unsent: int  # webhooks

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way but what is scheduled: expiries, and looking after payments."""
        waiting = self.undelivered + self.unacknowledged + self.parked + self.replaying
        return not (self.unpublished or waiting or self.due or self.unsent)

    @property
    def is_finished(self) -> bool:
        """Whether every order is paid or cancelled, and nothing is scheduled either."""
        return self.is_idle and not (self.scheduled or self.unpaid)


@dataclass(frozen=True)
class Snapshot:
    """What is kept: rows by their ids, the outboxes' `events` as stored, `logged` with how often each is in the log.

    Since `logged_since` the log has lost nothing; None if it has all that it ever had.
    """

    progress: Progress
    at: datetime
    orders: Rows
    reservations: Rows
    tickets: Rows
    replicas: Rows  # of tickets, in orders
    payable: Rows  # replicas of orders, in payments
    payments: Rows
    charges: Rows  # the provider's intents
    refunds: Rows  # the provider's
    dead_letters: list[str]
    events: list[Row] = field(default_factory=list)
    logged: Counter[tuple[str, str]] = field(default_factory=Counter)
    logged_since: datetime | None = None
    emails: set[str] = field(default_factory=set)


class Observer:
    """Reads a stack's databases, provider and log with clients of its own."""

    def __init__(self, stack: Stack) -> None:
        self._log = Log(stack.nats_url)
        self._provider = stack.provider
        functions = ("auth-signup", "tickets-create", "orders-create", "payments-create")
        self._clients = [MongoClient[Row](stack.mongo_uri(function), tz_aware=True) for function in functions]
        databases = [client.get_default_database() for client in self._clients]
        auth, self._tickets, self._orders, self._payments = databases
        self._users = auth["users"]
        self._outboxes = [database["outbox"] for database in databases[1:]]
        self._checkpoints = [database["relay"] for database in databases[1:]]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()

    def idle(self) -> Snapshot:
        """Orders that are live, their reservations, and all tickets, at a moment when no event is under way."""
        return self._snapshot(lambda progress: progress.is_idle, self._what_stands)

    def end(self) -> Snapshot:
        """All that is kept, when everything has come to its end."""
        return self._snapshot(lambda progress: progress.is_finished, self._everything)

    def _snapshot(self, wanted: Callable[[Progress], bool], take: Callable[[Progress], Snapshot]) -> Snapshot:
        """Take one at the wanted progress, or after the patience as things are then; its `progress` tells which.

        What fails while a store is being started again is asked again.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            late = time.monotonic() > deadline
            with nullcontext() if late else suppress(*UNAVAILABLE):
                progress = self._progress()
                if wanted(progress) or late:
                    taken = take(progress)
                    if late or self._progress() == progress:
                        return taken
            time.sleep(0.05)

    def _progress(self) -> Progress:
        money = self._provider.ledger()
        progress = Progress(
            outbox=sum(outbox.count_documents({}) for outbox in self._outboxes),
            unpublished=0,
            unpaid=self._orders["orders"].count_documents({"status": {"$in": UNPAID}}),
            charges=len(money["payment_intents"]),
            unsent=money["unsent_events"],
            replaying=self._replaying(),
            **self._log.progress(),
        )
        return replace(progress, unpublished=self._unpublished()) if progress.is_idle else progress

    def _replaying(self) -> int:
        """Count the outboxes whose relay has not published again yet what the log lost, or has not noticed it."""
        created = self._log.created()
        return sum(_is_replaying(row, created) for store in self._checkpoints for row in store.find())

    def _unpublished(self) -> int:
        stored = self._log.stored()
        return sum(was_kept(event, stored.since) and key(event) not in stored.events for event in self._events())

    def _events(self) -> list[Row]:
        return [row["event"] for outbox in self._outboxes for row in outbox.find().sort("$natural", 1)]

    def _what_stands(self, progress: Progress) -> Snapshot:
        return self._kept(progress, orders={"status": {"$in": LIVE}}, reservations={"live": True})

    def _everything(self, progress: Progress) -> Snapshot:
        stored = self._log.stored()
        return replace(
            self._kept(progress, orders={}, reservations={}),
            events=self._events(),
            logged=stored.events,
            logged_since=stored.since,
            emails={row["email"] for row in self._users.find()},
        )

    def _kept(self, progress: Progress, orders: Row, reservations: Row) -> Snapshot:
        """What is kept now, of orders and reservations those that the queries mean."""
        money = self._provider.ledger()
        return Snapshot(
            progress=progress,
            at=datetime.now(UTC),
            orders=_by_id(self._orders["orders"].find(orders)),
            reservations=_by_id(self._tickets["reservations"].find(reservations)),
            tickets=_by_id(self._tickets["tickets"].find()),
            replicas=_by_id(self._orders["tickets"].find()),
            payable=_by_id(self._payments["orders"].find(orders)),
            payments=_by_id(self._payments["payments"].find()),
            charges={intent["id"]: intent for intent in money["payment_intents"]},
            refunds={refund["id"]: refund for refund in money["refunds"]},
            dead_letters=self._log.dead_letters(),
        )


def key(event: Row) -> tuple[str, str]:
    """Return by what an event is found in the log."""
    return event["source"], event["id"]


def was_kept(event: Row, since: datetime | None) -> bool:
    """Tell whether the log must have an event, although it has removed what was stored before `since`."""
    return since is None or datetime.fromisoformat(event["time"]) > since + CLOCKS_APART


def _is_replaying(row: Row, created: Mapping[str, datetime | None]) -> bool:
    known = row.get("streams", {})
    return "replayFrom" in row or any(
        _milliseconds(known.get(kind)) != _milliseconds(at) for kind, at in created.items()
    )


def _milliseconds(at: datetime | None) -> int:
    """Return a time as MongoDB stores it."""
    return int(at.timestamp() * 1000) if at else 0


def _by_id(rows: Iterable[Row]) -> Rows:
    return {str(row["_id"]): row for row in rows}
