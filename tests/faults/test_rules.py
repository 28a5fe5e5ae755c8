"""Each rule of the fault tests sees what breaks it, and nothing in what is right."""

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults import history, rules
from tests.faults.ledger import Ledger, Offer, Reservation
from tests.faults.witness import Mark, Row, Snapshot

NOW = datetime(2030, 1, 1, tzinfo=UTC)
STILL = Mark(outbox=7, unpublished=0, live=1, stored=9, undelivered=0, unacknowledged=0, due=0, scheduled=1)
TICKET = {"version": 1, "title": "Night", "priceCents": 2000, "userId": "seller"}


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert _breaches(RIGHT, LEDGER) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mark": replace(STILL, unacknowledged=1)}, "it never became calm"),
        ({"mark": replace(STILL, scheduled=0)}, "order second is live after its expiry"),
        ({"tickets.ticket": TICKET}, "order second is live, but its ticket ticket is reserved for None"),
        ({"tickets.ticket.orderId": "first"}, "ticket ticket is reserved for first, which is no live order"),
        ({"reservations.second.version": 1}, "order second is ('ticket', 0, True), but its reservation is"),
        ({"reservations.first.live": True}, "order first is ('ticket', 1, False), but its reservation is"),
        ({"replicas.ticket.version": 0}, "ticket ticket is (1, 'Night', 2000), but its replica is (0"),
        ({"replicas.gone": TICKET}, "ticket gone is None, but its replica is"),
        ({"dead_letters": ["orders-expire: answered 422"]}, "a dead letter: orders-expire: answered 422"),
        ({"events.2.time": "2029-12-31T23:59:09Z"}, "ticket ticket had orders first and second at once"),
        ({"events.1.type": "lost"}, "ticket ticket had orders first and second at once"),
        ({"events.1.data.version": 2}, "events tell of versions [0, 2] of first"),
        ({"orders.first.version": 2}, "events tell of versions [0, 1] of first"),
        ({"events.2.subject": "another"}, "no event tells of second"),
        ({"events.2.id": "8"}, "dev.ticketing.order.created 8 is not in the log"),
        ({"logged": Counter()}, "the expiry of order second is not in the log"),
        ({"events.1.time": "2029-12-31T23:59:09Z"}, "order first expired at 2029-12-31T23:59:09Z, before"),
        ({"emails": set()}, "p@example.com signed up and is gone"),
        ({"tickets.ticket.title": "Day"}, "ticket ticket is called Day, its seller was told"),
        ({"tickets": {}}, "ticket ticket is gone, and its seller did not take it back"),
        ({"tickets.gone": TICKET}, "ticket gone was taken back, and is"),
        ({"orders.second.userId": "somebody else"}, "its buyer was told Reservation"),
        ({"orders.first.status": "created"}, "order first is created, its buyer was told that it is cancelled"),
    ],
)
def test_a_breach_is_seen(changes: dict[str, Any], sentence: str) -> None:
    assert any(sentence in breach for breach in _breaches(_changed(changes), LEDGER))


def test_an_answer_that_nobody_should_get_is_seen() -> None:
    assert _breaches(RIGHT, replace(LEDGER, surprises=["GET /orders: 401"])) == ["GET /orders: 401"]


def _breaches(seen: Snapshot, ledger: Ledger) -> list[str]:
    return [*rules.breaches(seen), *history.breaches(seen, ledger)]


def _changed(changes: dict[str, Any]) -> Snapshot:
    """What is right, but for what the paths of names lead to."""
    fields = deepcopy(vars(RIGHT))
    for path, value in changes.items():
        *steps, last = path.split(".")
        place: Any = fields
        for step in steps:
            place = place[int(step) if isinstance(place, list) else step]
        place[last] = value
    return Snapshot(**fields)


def _order(status: str, version: int) -> Row:
    return {"status": status, "version": version, "userId": "buyer", "ticket": {"id": "ticket"}, "expiresAt": EXPIRY}


def _event(number: str, name: str, subject: str, version: int, time: str = "00", **more: str) -> Row:
    """An event of the last minute before NOW; `time` is its second."""
    return {
        "id": number,
        "source": f"/ticketing/{name.partition('.')[0]}s",
        "type": f"dev.ticketing.{name}",
        "subject": subject,
        "time": f"2029-12-31T23:59:{time}Z",
        "data": {"id": subject, "version": version, "ticket": {"id": "ticket"}, "expiresAt": f"{EXPIRY}", **more},
    }


EXPIRY = NOW - timedelta(seconds=50)
EVENTS = [
    _event("1", "order.created", "first", 0, "05"),
    _event("2", "order.cancelled", "first", 1, "10", reason="expired"),
    _event("3", "order.created", "second", 0, "10"),
    _event("4", "ticket.created", "ticket", 0),
    _event("5", "ticket.updated", "ticket", 1),
    _event("6", "ticket.created", "gone", 0),
    _event("7", "ticket.deleted", "gone", 1),
]
RIGHT = Snapshot(
    mark=STILL,
    at=NOW,
    orders={"first": _order("cancelled", 1), "second": _order("created", 0)},
    reservations={
        "first": {"ticketId": "ticket", "version": 1, "live": False},
        "second": {"ticketId": "ticket", "version": 0, "live": True},
    },
    tickets={"ticket": {**TICKET, "orderId": "second"}},
    replicas={"ticket": TICKET, "gone": {"version": 1, "deleted": True}},
    dead_letters=[],
    events=EVENTS,
    logged=Counter((event["source"], event["id"]) for event in EVENTS)
    + Counter([("/ticketing/expiration", "first"), ("/ticketing/expiration", "second")]),
    emails={"p@example.com"},
)
LEDGER = Ledger(
    people=["p@example.com"],
    offers={"ticket": Offer("Night"), "gone": Offer("Gone")},
    taken_back={"gone"},
    orders={"first": Reservation("buyer", "ticket"), "second": Reservation("buyer", "ticket")},
    cancelled={"first"},
)
