"""A state of everything in which nothing is wrong.

An order that expired while it was paid, so that the money went back; its ticket's next, which waits for its payment;
and one that is paid.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.faults.history import expiration_id
from tests.faults.ledger import Ledger, Offer, Reservation
from tests.faults.observer import Progress, Row, Snapshot

NOW = datetime(2030, 1, 1, tzinfo=UTC)
EXPIRY = NOW - timedelta(seconds=50)
IDLE = Progress(
    outbox=18, unpublished=0, unpaid=1, stored=9, undelivered=0, unacknowledged=0, parked=0, replaying=0, due=0,
    scheduled=1, charges=2, unsent=0,
)  # fmt: skip
TICKET = {"version": 1, "title": "Night", "priceCents": 2000, "userId": "seller"}
REFUND = {"payment_intent": "pi_late", "amount": 2000}


def order(status: str, version: int, ticket: str = "ticket") -> Row:
    """An order as orders keeps it."""
    sold = {"id": ticket, "priceCents": 2000}
    return {"status": status, "version": version, "userId": "buyer", "ticket": sold, "expiresAt": EXPIRY}


def charge(paid: str, refunded: int = 0) -> Row:
    """A charge as the provider keeps it."""
    return {"amount_received": 2000, "amount_refunded": refunded, "metadata": {"order": paid}}


def _event(number: str, name: str, subject: str, time: str, **data: object) -> Row:
    """An event of the last minute before NOW; `time` is its second."""
    return {
        "id": number,
        "source": f"/ticketing/{name.partition('.')[0]}s",
        "type": f"dev.ticketing.{name}",
        "subject": subject,
        "time": f"2029-12-31T23:59:{time}Z",
        "data": {"id": subject, **data},
    }


def _state(version: int, ticket: str, **more: str) -> Row:
    """What every event of an order holds."""
    return {"version": version, "ticket": {"id": ticket}, "expiresAt": f"{EXPIRY}", **more}


EVENTS = [
    _event("1", "order.created", "first", "05", **_state(0, "ticket")),
    _event("2", "order.cancelled", "first", "10", **_state(1, "ticket", reason="expired")),
    _event("3", "order.created", "second", "10", **_state(0, "ticket")),
    _event("4", "ticket.created", "ticket", "00", version=0),
    _event("5", "ticket.updated", "ticket", "00", version=1),
    _event("6", "ticket.created", "gone", "00", version=0),
    _event("7", "ticket.deleted", "gone", "00", version=1),
    _event("8", "ticket.created", "sold", "00", version=0),
    _event("9", "ticket.updated", "sold", "06", version=1),
    _event("10", "order.created", "third", "05", **_state(0, "sold")),
    _event("11", "order.completed", "third", "08", **_state(1, "sold")),
    _event("12", "payment.started", "kept", "06"),
    _event("13", "payment.created", "kept", "07"),
    _event("14", "payment.started", "late", "09"),
    _event("15", "payment.refund-requested", "late", "11"),
    _event("16", "payment.refunded", "late", "12"),
]
LOGGED = [(event["source"], event["id"]) for event in EVENTS]
LOGGED += [("/ticketing/expiration", expiration_id(told)) for told in EVENTS if told["type"].endswith("order.created")]
LOGGED += [("/ticketing/payments", name) for name in ("kept", "late")]
CONSISTENT = Snapshot(
    progress=IDLE,
    at=NOW,
    orders={"first": order("cancelled", 1), "second": order("created", 0), "third": order("complete", 1, "sold")},
    reservations={
        "first": {"ticketId": "ticket", "version": 1, "live": False},
        "second": {"ticketId": "ticket", "version": 0, "live": True},
        "third": {"ticketId": "sold", "version": 1, "live": True},
    },
    tickets={"ticket": {**TICKET, "orderId": "second"}, "sold": {**TICKET, "orderId": "third"}},
    replicas={"ticket": TICKET, "sold": TICKET, "gone": {"version": 1, "deleted": True}},
    payable={
        "first": {"status": "cancelled", "version": 1, "userId": "buyer", "priceCents": 2000},
        "second": {"status": "created", "version": 0, "userId": "buyer", "priceCents": 2000},
        "third": {"status": "complete", "version": 1, "userId": "buyer", "priceCents": 2000},
    },
    payments={
        "late": {"orderId": "first", "status": "refunded"},
        "kept": {"orderId": "third", "status": "succeeded"},
    },
    charges={"pi_late": charge("first", refunded=2000), "pi_kept": charge("third")},
    refunds={"re_late": REFUND},
    dead_letters=[],
    events=EVENTS,
    logged=Counter(LOGGED),
    emails={"p@example.com"},
)
LEDGER = Ledger(
    people=["p@example.com"],
    offers={name: Offer("Night") for name in ("ticket", "gone", "sold")},
    taken_back={"gone"},
    orders={
        "first": Reservation("buyer", "ticket"),
        "second": Reservation("buyer", "ticket"),
        "third": Reservation("buyer", "sold"),
    },
    cancelled={"first"},
    paid={"third"},
)
