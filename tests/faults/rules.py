"""What must be true of anything that stands while no event is under way. A rule yields sentences that contradict it."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from tests.faults.observer import LIVE, UNPAID, Row, Snapshot

LATE = timedelta(minutes=2)
AWAITING, COMPLETE = "awaiting:payment", "complete"
PENDING, REFUNDING = "pending", "refunding"


def breaches(seen: Snapshot) -> Iterator[str]:
    """All that is wrong."""
    for rule in (_unsettled, _overdue, _not_reserved, _reserved_for_nothing, _reservations, _replicas, _payable, _dead):
        yield from rule(seen)
    for rule in (_undecided, _money, _refunds):
        yield from rule(seen)


def _unsettled(seen: Snapshot) -> Iterator[str]:
    if not seen.progress.is_idle:
        yield f"it never became idle: {seen.progress}"


def _overdue(seen: Snapshot) -> Iterator[str]:
    """While anything is scheduled, an expiry may be just about to come, but not for long."""
    for name, order in _live(seen):
        latest = order["expiresAt"] + (LATE if seen.progress.scheduled else timedelta())
        if order["status"] in UNPAID and latest < seen.at:
            yield f"order {name} is {order['status']} after its expiry at {order['expiresAt']}"


def _not_reserved(seen: Snapshot) -> Iterator[str]:
    for name, order in _live(seen):
        holder = seen.tickets.get(order["ticket"]["id"], {}).get("orderId")
        if holder != name:
            yield f"order {name} is live, but its ticket {order['ticket']['id']} is reserved for {holder}"


def _reserved_for_nothing(seen: Snapshot) -> Iterator[str]:
    live = {name for name, _ in _live(seen)}
    for name, ticket in seen.tickets.items():
        if "orderId" in ticket and ticket["orderId"] not in live:
            yield f"ticket {name} is reserved for {ticket['orderId']}, which is no live order"


def _reservations(seen: Snapshot) -> Iterator[str]:
    source = {name: (row["ticket"]["id"], _told(row), row["status"] in LIVE) for name, row in seen.orders.items()}
    replica = {name: (row["ticketId"], row["version"], row["live"]) for name, row in seen.reservations.items()}
    for name in source.keys() | replica.keys():
        if source.get(name) != replica.get(name):
            yield f"order {name} is {source.get(name)}, but its reservation is {replica.get(name)}"


def _replicas(seen: Snapshot) -> Iterator[str]:
    for name in seen.tickets.keys() | seen.replicas.keys():
        source, replica = _sold(seen.tickets.get(name)), _sold(seen.replicas.get(name))
        if source != replica:
            yield f"ticket {name} is {source}, but its replica is {replica}"


def _payable(seen: Snapshot) -> Iterator[str]:
    """Payments know each order as it is."""
    for name in seen.orders.keys() | seen.payable.keys():
        source, replica = _owed(seen.orders.get(name)), _owed(seen.payable.get(name))
        if source != replica:
            yield f"order {name} is {source}, but payments know it as {replica}"


def _undecided(seen: Snapshot) -> Iterator[str]:
    """A scheduled event settles a pending payment later; a refund is an event under way."""
    for name, payment in seen.payments.items():
        if payment["status"] == REFUNDING or (payment["status"] == PENDING and not seen.progress.scheduled):
            yield f"payment {name} of order {payment['orderId']} is {payment['status']}"


def _money(seen: Snapshot) -> Iterator[str]:
    """The provider keeps for each complete order its price, once, and nothing else; the pending is not decided."""
    pending = {payment["orderId"] for payment in seen.payments.values() if payment["status"] == PENDING}
    kept: dict[str, list[int]] = defaultdict(list)
    for charge in seen.charges.values():
        if rest := charge["amount_received"] - charge["amount_refunded"]:
            kept[charge["metadata"]["order"]].append(rest)
    prices = {name: [_price(order)] for name, order in seen.orders.items() if order["status"] == COMPLETE}
    for name in (kept.keys() | prices.keys()) - pending:
        if kept.get(name, []) != prices.get(name, []):
            yield f"for order {name}, {prices.get(name, [])} should be kept, and {kept.get(name, [])} is"


def _refunds(seen: Snapshot) -> Iterator[str]:
    """A charge goes back once, and as a whole."""
    given_back: dict[str, list[int]] = defaultdict(list)
    for refund in seen.refunds.values():
        given_back[refund["payment_intent"]].append(refund["amount"])
    for charge, amounts in given_back.items():
        if amounts != [taken := seen.charges[charge]["amount_received"]]:
            yield f"{amounts} was given back of charge {charge} over {taken}"


def _dead(seen: Snapshot) -> Iterator[str]:
    for letter in seen.dead_letters:
        yield f"a dead letter: {letter}"


def _live(seen: Snapshot) -> list[tuple[str, Row]]:
    return [(name, order) for name, order in seen.orders.items() if order["status"] in LIVE]


def _told(order: Row) -> int:
    """The version that tickets know of an order: a payment that begins is no news to them."""
    return int(order["version"] - (order["status"] == AWAITING))


def _sold(ticket: Row | None) -> tuple[object, ...] | None:
    """What orders must know of a ticket; of a deleted one a tombstone is left there, and nothing where it was sold."""
    if ticket is None or ticket.get("deleted"):
        return None
    return ticket["title"], ticket["priceCents"]


def _owed(order: Row | None) -> tuple[object, ...] | None:
    """What payments must know of an order."""
    return (order["version"], order["status"], order["userId"], _price(order)) if order else None


def _price(order: Row) -> int:
    """In cents."""
    return int(order["priceCents"] if "priceCents" in order else order["ticket"]["priceCents"])
