"""tickets-replicate-order with the events of two orders for one ticket, in any order of arrival.

Each race has its twin: the same events with a guard taken out end wrong, so the test is known to be able to fail.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest
from bson import ObjectId, json_util

from events.catalogue import RESERVATION, TicketUpdated
from functions.shared.eventing import outbox
from functions.shared.storage.database import database
from functions.shared.storage.transaction import Transaction, transaction
from functions.tickets import repository, reservations
from functions.tickets.domain import Reservation
from functions.tickets.messages import state
from tests.functions.harness import Document, Function, Make, Store, at_once, event, new_id
from tests.functions.scenes import order_state, ticket_state

# What the events of one order say, from its creation to where it stands now.
ENDS = {"cancelled": ["created", "cancelled"], "complete": ["created", "complete"]}
NAMES = {"created": "order.created", "complete": "order.completed", "cancelled": "order.cancelled"}
# How the older and the newer of two orders ended. A mistake about either shows in the last: the newer would hold it.
PAIRS = [("cancelled", "complete"), ("cancelled", "cancelled"), ("complete", "cancelled")]
LOOKED_AT = ("tickets", "reservations")
Arrival = tuple[int, ...]


class Sale:
    """A ticket on sale, the events of two orders for it, and whose it has to be in the end."""

    def __init__(self, store: Store, first: str, second: str) -> None:
        ticket = ticket_state()
        self.ticket_id = ticket["id"]
        row = {"_id": ObjectId(ticket["id"]), "userId": new_id(), "title": "Jazz", "priceCents": 2000, "version": 0}
        store["tickets"].insert_one(row)
        orders = [(order_state(ticket), end) for end in (first, second)]
        self.events = [told for order, end in orders for told in _life(order, end)]
        self.holder = next((order["id"] for order, end in orders if end == "complete"), None)


def _life(order: Document, end: str) -> Iterator[Document]:
    for version, status in enumerate(ENDS[end]):
        reason = {"reason": "expired"} if status == "cancelled" else {}
        yield event(NAMES[status], "orders", order | {"version": version, "status": status} | reason)


def doubled(once: Arrival) -> tuple[Arrival, ...]:
    """Return an arrival order with each event coming again at once, or all in the same order, or backwards."""
    return tuple(number for number in once for _ in range(2)), once + once, once + once[::-1]


def doubled_in_turn() -> Iterator[Arrival]:
    """Yield every arrival order of four events, doubled in one of the ways in turn."""
    for number, once in enumerate(itertools.permutations(range(4))):
        yield doubled(once)[number % 3]


def doubled_in_every_way() -> Iterator[Arrival]:
    """Yield every arrival order of four events, doubled in each of the ways."""
    for once in itertools.permutations(range(4)):
        yield from doubled(once)


def ended_wrong(replicate: Function, store: Store, ends: tuple[str, str], arrivals: Iterator[Arrival]) -> list[Arrival]:
    """The arrival orders, each tried with a sale of its own, after which the ticket is not whose it has to be."""
    runs = [(Sale(store, *ends), arrival) for arrival in arrivals]

    def run(planned: tuple[Sale, Arrival]) -> None:
        sale, arrival = planned
        for number in arrival:
            assert replicate.deliver(sale.events[number]).status_code == 204

    at_once(replicate, run, runs, threads=4)
    right = rightly_held(store, [sale for sale, _ in runs])
    return [arrival for (_, arrival), is_right in zip(runs, right, strict=True) if not is_right]


def rightly_held(store: Store, sales: Sequence[Sale]) -> list[bool]:
    """Whether each ticket is reserved for whom it has to be, and the newest event of it says the same."""
    rows = {str(row["_id"]): row for row in store["tickets"].find()}
    told = {sale.ticket_id: {"version": 0} for sale in sales}
    for found in sorted(store.events(), key=lambda found: found["data"]["version"]):
        told[found["subject"]] = found["data"]
    held = [(sale, rows[sale.ticket_id], told[sale.ticket_id]) for sale in sales]
    return [
        row.get("orderId") == newest.get("orderId") == sale.holder and row["version"] == newest["version"]
        for sale, row, newest in held
    ]


@pytest.fixture
def replicate(function: Make) -> Function:
    return function("tickets-replicate-order")


@pytest.mark.parametrize("ends", [PAIRS[0], PAIRS[-1]])
@pytest.mark.slow
def test_every_arrival_order_of_two_orders_events_doubled_ends_right(
    replicate: Function, tickets_store: Store, ends: tuple[str, str]
) -> None:
    sale = Sale(tickets_store, *ends)
    finals = walk_every_arrival_order(replicate, tickets_store, sale)
    assert finals.total() == 2520  # 8! / 2!^4
    assert {json_util.loads(rows)["tickets"][0].get("orderId") for rows in finals} == {sale.holder}


def walk_every_arrival_order(replicate: Function, store: Store, sale: Sale) -> Counter[str]:
    """The rows that every arrival order of the events, each coming twice, leaves; and how many orders leave them.

    What the function does depends on the rows and the event, so arrival orders that have come to the same rows, with
    the same events still to come, go on as one.
    """
    reached: Counter[tuple[str, tuple[int, ...]]] = Counter({(rows_of(store), (2, 2, 2, 2)): 1})
    while any(any(left) for _, left in reached):
        onward: Counter[tuple[str, tuple[int, ...]]] = Counter()
        for (rows, left), orders in reached.items():
            for number in (number for number, count in enumerate(left) if count):
                rest = tuple(count - (index == number) for index, count in enumerate(left))
                onward[deliver_after(rows, replicate, store, sale.events[number]), rest] += orders
        reached = onward
    return Counter({rows: orders for (rows, _), orders in reached.items()})


def deliver_after(rows: str, replicate: Function, store: Store, told: Document) -> str:
    """The rows after the event, if it finds these ones; a change of the ticket is told in exactly one event."""
    store["outbox"].delete_many({})
    for name, found in json_util.loads(rows).items():
        store[name].delete_many({})
        if found:
            store[name].insert_many(found)
    [before] = store["tickets"].find()
    assert replicate.deliver(told).status_code == 204
    [after] = store["tickets"].find()
    changes = [(event["data"]["version"], event["data"].get("orderId")) for event in store.events()]
    assert changes == ([] if after["version"] == before["version"] else [(after["version"], after.get("orderId"))])
    return rows_of(store)


def rows_of(store: Store) -> str:
    """What the function may look at: all but the outbox and the count of writes."""
    return json_util.dumps({name: list(store[name].find({}, {"writes": 0}).sort("_id")) for name in LOOKED_AT})


@pytest.mark.parametrize("ends", PAIRS)
@pytest.mark.parametrize("arrivals", [doubled_in_turn, pytest.param(doubled_in_every_way, marks=pytest.mark.slow)])
def test_every_arrival_order_ends_right_whichever_order_is_the_live_one(
    replicate: Function, tickets_store: Store, ends: tuple[str, str], arrivals: Callable[[], Iterator[Arrival]]
) -> None:
    assert ended_wrong(replicate, tickets_store, ends, arrivals()) == []


@pytest.mark.parametrize("ends", PAIRS)
@pytest.mark.parametrize("count", [6, pytest.param(20, marks=pytest.mark.slow)])
def test_all_events_at_once_end_right(
    replicate: Function, tickets_store: Store, ends: tuple[str, str], count: int
) -> None:
    sales = [Sale(tickets_store, *ends) for _ in range(count)]
    for sale in sales:
        answers = at_once(replicate, lambda told: replicate.deliver(told).status_code, sale.events * 2, threads=8)
        assert answers == [204] * 8
    assert all(rightly_held(tickets_store, sales))


def test_without_the_version_check_some_arrival_orders_end_wrong(
    replicate: Function, tickets_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations, "_older", lambda _reservation: {})
    assert ended_wrong(replicate, tickets_store, ("complete", "cancelled"), doubled_in_turn())


def test_without_a_row_per_order_some_arrival_orders_end_wrong(
    replicate: Function, tickets_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations, "record", reserve_then_release)
    once = itertools.permutations(range(4))
    assert ended_wrong(replicate, tickets_store, ("cancelled", "complete"), once)


def reserve_then_release(reservation: Reservation) -> None:
    """The course's way: an order's creation reserves its ticket, its end releases it if it was still its own."""

    def work(recording: Transaction) -> None:
        ticket = repository.find(reservation.ticket_id, recording)
        if ticket is None or not (reservation.live or ticket.order_id == reservation.order_id):
            return
        changed = ticket.reserve_for(reservation if reservation.live else None)
        if changed != ticket:
            repository.save(changed, recording)
            outbox.add(state(TicketUpdated, changed), recording, change=RESERVATION)

    transaction(database(), work)
