"""What must be true of the marketplace at every moment, and what once every event has arrived."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise

from tests.functions.harness import Document
from tests.properties.system import System
from tests.provider import Ledger

ENDED = "cancelled"
# Which status may follow which.
NEXT = {
    "created": {"awaiting:payment", "complete", ENDED},
    "awaiting:payment": {"complete", ENDED},
    "complete": {ENDED},
    ENDED: set(),
}
LOST = "the ticket was deleted"  # the only reason for which a paid order ends
UNPAID = ("created", "awaiting:payment")
Rows = dict[str, Document]


@dataclass(frozen=True)
class State:
    """All rows by their ids, and what the provider knows.

    `told` are the events about each ticket and order that have a version, in its order, `payments_told` those about
    each payment, in theirs.
    """

    tickets: Rows
    reservations: Rows
    orders: Rows
    replicas: Rows
    payments: Rows
    known_orders: Rows
    ledger: Ledger
    told: dict[str, list[Document]]
    payments_told: dict[str, list[Document]]

    def live_orders(self) -> Rows:
        """The orders that hold their ticket."""
        return {order_id: row for order_id, row in self.orders.items() if row["status"] != ENDED}

    def stories(self, kind: str) -> list[list[Document]]:
        """The data of the events about each ticket or each order."""
        prefix = f"dev.ticketing.{kind}."
        return [[told["data"] for told in story] for story in self.told.values() if story[0]["type"].startswith(prefix)]


def look(system: System) -> State:
    """The state of all databases."""
    return State(
        tickets=_by_id(system.rows("tickets", "tickets")),
        reservations=_by_id(system.rows("tickets", "reservations")),
        orders=_by_id(system.rows("orders", "orders")),
        replicas=_by_id(system.rows("orders", "tickets")),
        payments=_by_id(system.rows("payments", "payments")),
        known_orders=_by_id(system.rows("payments", "orders")),
        ledger=system.provider.ledger(),
        told=_told(system.events("tickets") + system.events("orders")),
        payments_told=_by_subject(system.events("payments")),
    )


def one_live_order_per_ticket(orders: list[Document]) -> None:
    """Nothing is sold twice."""
    live = Counter(row["ticket"]["id"] for row in orders if row["status"] != ENDED)
    assert max(live.values(), default=1) == 1, f"several live orders for one ticket: {live}"


def in_hindsight(state: State) -> None:
    """Check that what happened is by the rules, and in the events."""
    _every_version_is_told_once(state)
    _the_newest_event_tells_what_is_stored(state)
    _statuses_follow_each_other(state)
    _paid_orders_stand(state)
    _no_order_expires_early(state)
    _no_reserved_ticket_changes_hands_or_looks(state)


def at_rest(state: State, now: datetime) -> None:
    """Every service agrees with every other."""
    _tickets_are_reserved_while_an_order_is_live(state)
    _replicas_of_tickets_equal_their_source(state)
    _reservations_equal_their_orders(state)
    _no_order_outlives_its_time(state, now)


def _every_version_is_told_once(state: State) -> None:
    for subject, story in state.told.items():
        versions = [told["data"]["version"] for told in story]
        assert versions == list(range(len(story))), f"versions in events of {subject}: {versions}"


def _the_newest_event_tells_what_is_stored(state: State) -> None:
    stored = {**state.tickets, **state.orders}
    gone = {subject for subject, story in state.told.items() if story[-1]["type"].endswith(".deleted")}
    assert stored.keys() == state.told.keys() - gone
    for subject, row in stored.items():
        newest = state.told[subject][-1]["data"]
        for name in ("version", "title", "orderId", "status"):
            assert row.get(name) == newest.get(name), f"{name} of {subject}: stored {row}, told {newest}"


def _statuses_follow_each_other(state: State) -> None:
    for story in state.stories("order"):
        statuses = [status for status, _ in groupby(told["status"] for told in story)]  # a renewal changes none
        possible = statuses[0] == "created" and all(after in NEXT[before] for before, after in pairwise(statuses))
        assert possible, f"an order went through {statuses}"


def _paid_orders_stand(state: State) -> None:
    for story in state.stories("order"):
        if "complete" in [told["status"] for told in story] and story[-1]["status"] == ENDED:
            assert story[-1]["reason"] == LOST, f"a paid order was cancelled: {story[-1]}"


def _no_order_expires_early(state: State) -> None:
    for story in state.told.values():
        newest = story[-1]
        if newest["data"].get("reason") == "expired":
            expired, expires = _instant(newest["time"]), _instant(newest["data"]["expiresAt"])
            assert expired >= expires, f"expired at {expired}, was to at {expires}"


def _no_reserved_ticket_changes_hands_or_looks(state: State) -> None:
    for story in state.stories("ticket"):
        for before, after in pairwise(story):
            if "orderId" in before:
                assert before["title"] == after.get("title"), f"{before} became {after} while it was reserved"


def _tickets_are_reserved_while_an_order_is_live(state: State) -> None:
    due = {row["ticket"]["id"]: order_id for order_id, row in state.live_orders().items()}
    held = {ticket_id: row["orderId"] for ticket_id, row in state.tickets.items() if "orderId" in row}
    assert held == due, f"reserved {held}, ordered {due}"


def _replicas_of_tickets_equal_their_source(state: State) -> None:
    known = {ticket_id: _looks(row) for ticket_id, row in state.replicas.items() if not row.get("deleted")}
    assert known == {ticket_id: _looks(row) for ticket_id, row in state.tickets.items()}, "replicas differ"


def _looks(row: Document) -> Document:
    return {name: row[name] for name in ("title", "priceCents")}


def _reservations_equal_their_orders(state: State) -> None:
    known = {order_id for order_id, row in state.reservations.items() if row["live"]}
    assert known == state.live_orders().keys(), "tickets and orders disagree about which orders are live"


def _no_order_outlives_its_time(state: State, now: datetime) -> None:
    late = [row for row in state.orders.values() if row["status"] in UNPAID and row["expiresAt"] <= now]
    assert not late, f"past their time: {late}"


def _by_id(rows: list[Document]) -> Rows:
    return {str(row["_id"]): row for row in rows}


def _told(events: list[Document]) -> dict[str, list[Document]]:
    with_version = [event for event in events if "version" in event["data"]]
    return _by_subject(sorted(with_version, key=lambda told: told["data"]["version"]))


def _by_subject(events: list[Document]) -> dict[str, list[Document]]:
    stories = defaultdict(list)
    for event in events:
        stories[event["subject"]].append(event)
    return dict(stories)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
