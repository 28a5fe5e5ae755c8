"""What must be true of all events that were ever stored, and of what clients were told."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from tests.faults.ledger import Ledger
from tests.faults.observer import Row, Snapshot, key, was_kept

CREATED, CANCELLED = "dev.ticketing.order.created", "dev.ticketing.order.cancelled"
STARTED, OVERDUE = "dev.ticketing.payment.started", "dev.ticketing.payment.overdue"
EXPIRATION, PAYMENTS = "/ticketing/expiration", "/ticketing/payments"
# What events must have said about a payment in the end, each event once and in this order.
EVENTS_OF_PAYMENTS = {
    "succeeded": [("started", "created")],
    "failed": [("started", "failed")],
    "refunded": [("started", *between, "refund-requested", "refunded") for between in ((), ("created",), ("failed",))],
}


def breaches(seen: Snapshot, ledger: Ledger) -> Iterator[str]:
    """All that is wrong."""
    for rule in (_sold_twice, _untrue, _untold, _payments, _lost, _too_early):
        yield from rule(seen)
    for promise in (_people, _offers, _taken_back, _reservations, _purchases):
        yield from promise(seen, ledger)
    yield from ledger.surprises


def _sold_twice(seen: Snapshot) -> Iterator[str]:
    """A ticket's next order begins after the one before has ended: its row is stored later.

    Times do not tell: an order's event may wait for its database while that of the one before is stored. Nor does the
    log: what a relay publishes again may come out of turn.
    """
    ends = {event["subject"]: place for place, event in enumerate(seen.events) if event["type"] == CANCELLED}
    orders: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for place, event in enumerate(seen.events):
        if event["type"] == CREATED:
            orders[event["data"]["ticket"]["id"]].append((place, event["subject"]))
    for ticket, begun in orders.items():
        for (_, first), (begin, second) in pairwise(begun):
            if first not in ends or ends[first] > begin:
                yield f"ticket {ticket} had orders {first} and {second} at once"


def _untrue(seen: Snapshot) -> Iterator[str]:
    """Events show each version of an aggregate once, up to the one that is kept."""
    told: dict[str, list[int]] = defaultdict(list)
    for event in seen.events:
        if "version" in event["data"]:
            told[event["subject"]].append(event["data"]["version"])
    for name, versions in told.items():
        kept = seen.orders.get(name) or seen.tickets.get(name) or seen.replicas.get(name)
        if kept is None or sorted(versions) != list(range(kept["version"] + 1)):
            yield f"events show versions {sorted(versions)} of {name}, which is {kept}"


def _untold(seen: Snapshot) -> Iterator[str]:
    for name in (seen.orders.keys() | seen.tickets.keys()) - {event["subject"] for event in seen.events}:
        yield f"no event shows {name}"


def _payments(seen: Snapshot) -> Iterator[str]:
    """Events of a payment come in order: clocks may differ, so it is the order in which it was stored."""
    told: dict[str, list[str]] = defaultdict(list)
    for event in seen.events:
        if event["source"] == PAYMENTS and event["type"] != OVERDUE:
            told[event["subject"]].append(event["type"].removeprefix("dev.ticketing.payment."))
    for name in told.keys() | seen.payments.keys():
        status = seen.payments.get(name, {}).get("status", "gone")
        names = tuple(told[name])
        if names not in EVENTS_OF_PAYMENTS.get(status, []):
            yield f"events tell that payment {name} was {names}, and it is {status}"


def _lost(seen: Snapshot) -> Iterator[str]:
    for event in (one for one in seen.events if was_kept(one, seen.logged_since)):
        if key(event) not in seen.logged:
            yield f"{event['type']} {event['id']} is not in the log"
        if event["type"] == CREATED and (EXPIRATION, expiration_id(event)) not in seen.logged:
            yield f"the expiry of order {event['subject']} is not in the log"
        if event["type"] == STARTED and (PAYMENTS, event["subject"]) not in seen.logged:
            yield f"the time limit of payment {event['subject']} is not in the log"


def _too_early(seen: Snapshot) -> Iterator[str]:
    for event in seen.events:
        data = event["data"]
        if data.get("reason") == "expired" and _time(event) < datetime.fromisoformat(data["expiresAt"]):
            yield f"order {data['id']} expired at {event['time']}, before {data['expiresAt']}"


def _people(seen: Snapshot, ledger: Ledger) -> Iterator[str]:
    for email in set(ledger.people) - seen.emails:
        yield f"{email} signed up and is gone"


def _offers(seen: Snapshot, ledger: Ledger) -> Iterator[str]:
    for name, offer in ledger.offers.items():
        kept = seen.tickets.get(name)
        if kept is None and name not in ledger.taken_back | ledger.perhaps_taken_back:
            yield f"ticket {name} is gone, and its seller did not take it back"
        if kept and kept["title"] not in {offer.title, *offer.doubtful}:
            yield f"ticket {name} is called {kept['title']}, its seller was told {offer}"


def _taken_back(seen: Snapshot, ledger: Ledger) -> Iterator[str]:
    for name in ledger.taken_back:
        if name in seen.tickets or not seen.replicas.get(name, {}).get("deleted"):
            yield f"ticket {name} was taken back, and is {seen.tickets.get(name)}, {seen.replicas.get(name)}"


def _reservations(seen: Snapshot, ledger: Ledger) -> Iterator[str]:
    for name, told in ledger.orders.items():
        order = seen.orders.get(name)
        if order is None or (order["userId"], order["ticket"]["id"]) != (told.buyer, told.ticket):
            yield f"order {name} is {order}, its buyer was told {told}"
        elif name in ledger.cancelled and order["status"] != "cancelled":
            yield f"order {name} is {order['status']}, its buyer was told that it is cancelled"


def _purchases(seen: Snapshot, ledger: Ledger) -> Iterator[str]:
    """Who was told that an order is paid has it, or got the money back; a declined card ended it."""
    payments = {payment["orderId"]: payment["status"] for payment in seen.payments.values()}
    for told, statuses in ((ledger.paid, ("succeeded", "refunded")), (ledger.declined, ("failed",))):
        for name in told:
            if payments.get(name) not in statuses:
                yield f"the payment of order {name} is {payments.get(name)}, its buyer was told {statuses[0]}"


def expiration_id(created: Row) -> str:
    """Return the id of the event that is scheduled for the expiry of a new order."""
    expires = datetime.fromisoformat(created["data"]["expiresAt"])
    return f"{created['subject']}-{int(expires.timestamp() * 1000)}"


def _time(event: Row) -> datetime:
    return datetime.fromisoformat(event["time"])
