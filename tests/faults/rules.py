"""What must be true of anything that stands while no event is under way. A rule yields sentences that contradict it."""

from collections.abc import Iterator

from tests.faults.witness import LIVE, Row, Snapshot


def breaches(seen: Snapshot) -> Iterator[str]:
    """All that is wrong."""
    for rule in (_unsettled, _overdue, _not_reserved, _reserved_for_nothing, _reservations, _replicas, _dead):
        yield from rule(seen)


def _unsettled(seen: Snapshot) -> Iterator[str]:
    if not seen.mark.calm:
        yield f"it never became calm: {seen.mark}"


def _overdue(seen: Snapshot) -> Iterator[str]:
    """While anything is scheduled, an expiry may be just about to come."""
    for name, order in _live(seen):
        if order["expiresAt"] < seen.at and not seen.mark.scheduled:
            yield f"order {name} is live after its expiry at {order['expiresAt']}"


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
    source = {name: (row["ticket"]["id"], row["version"], row["status"] in LIVE) for name, row in seen.orders.items()}
    replica = {name: (row["ticketId"], row["version"], row["live"]) for name, row in seen.reservations.items()}
    for name in source.keys() | replica.keys():
        if source.get(name) != replica.get(name):
            yield f"order {name} is {source.get(name)}, but its reservation is {replica.get(name)}"


def _replicas(seen: Snapshot) -> Iterator[str]:
    for name in seen.tickets.keys() | seen.replicas.keys():
        source, replica = _sold(seen.tickets.get(name)), _sold(seen.replicas.get(name))
        if source != replica:
            yield f"ticket {name} is {source}, but its replica is {replica}"


def _dead(seen: Snapshot) -> Iterator[str]:
    for letter in seen.dead_letters:
        yield f"a dead letter: {letter}"


def _live(seen: Snapshot) -> list[tuple[str, Row]]:
    return [(name, order) for name, order in seen.orders.items() if order["status"] in LIVE]


def _sold(ticket: Row | None) -> tuple[object, ...] | None:
    """What orders must know of a ticket; of a deleted one a tombstone is left there, and nothing where it was sold."""
    if ticket is None or ticket.get("deleted"):
        return None
    return ticket["version"], ticket["title"], ticket["priceCents"]
