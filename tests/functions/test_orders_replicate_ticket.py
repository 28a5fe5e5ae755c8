"""orders-replicate-ticket: on ticket.created, ticket.updated, ticket.deleted."""

import itertools

import pytest
from bson import ObjectId

from tests.functions.harness import Document, Function, Make, Store, at_once, event, new_id
from tests.functions.scenes import ticket_state


@pytest.fixture
def replicate(function: Make) -> Function:
    return function("orders-replicate-ticket")


def created(ticket_id: str) -> Document:
    return event("ticket.created", "tickets", ticket_state(id=ticket_id, version=0, title="Jazz", price=20.0))


def updated(ticket_id: str, version: int) -> Document:
    state = ticket_state(id=ticket_id, version=version, title=f"Jazz {version}", price=20.0 + version)
    return event("ticket.updated", "tickets", state)


def deleted(ticket_id: str, version: int) -> Document:
    return event("ticket.deleted", "tickets", {"id": ticket_id, "version": version})


def replica(orders_store: Store, ticket_id: str) -> Document | None:
    return orders_store["tickets"].find_one({"_id": ObjectId(ticket_id)}, {"_id": False})


def test_creates_and_saves_a_ticket(replicate: Function, orders_store: Store) -> None:
    ticket_id = new_id()
    response = replicate.deliver(created(ticket_id))
    assert (response.status_code, response.data, "Content-Type" in response.headers) == (204, b"", False)
    assert replica(orders_store, ticket_id) == {"version": 0, "title": "Jazz", "priceCents": 2000}
    assert orders_store.events() == []


def test_finds_updates_and_saves_a_ticket(replicate: Function, orders_store: Store) -> None:
    ticket_id = new_id()
    replicate.deliver(created(ticket_id))
    assert replicate.deliver(updated(ticket_id, 1)).status_code == 204
    assert replica(orders_store, ticket_id) == {"version": 1, "title": "Jazz 1", "priceCents": 2100}


def test_skips_over_a_gap_in_the_versions(replicate: Function, orders_store: Store) -> None:
    ticket_id = new_id()
    assert replicate.deliver(updated(ticket_id, 10)).status_code == 204
    assert replica(orders_store, ticket_id) == {"version": 10, "title": "Jazz 10", "priceCents": 3000}


@pytest.mark.parametrize("version", [0, 4, 5])
def test_acks_an_older_or_equal_version_and_changes_nothing(
    replicate: Function, orders_store: Store, version: int
) -> None:
    ticket_id = new_id()
    replicate.deliver(updated(ticket_id, 5))
    before = orders_store.dump()
    other = updated(ticket_id, version) | {"data": ticket_state(id=ticket_id, version=version, title="Blues")}
    assert replicate.deliver(other).status_code == 204
    assert orders_store.dump() == before


@pytest.mark.parametrize("name", ["ticket.created", "ticket.updated"])
def test_a_late_update_revives_no_deleted_ticket(replicate: Function, orders_store: Store, name: str) -> None:
    ticket_id = new_id()
    replicate.deliver(deleted(ticket_id, 2))
    replicate.deliver(event(name, "tickets", ticket_state(id=ticket_id, version=1)))
    tombstone = replica(orders_store, ticket_id)
    assert tombstone
    assert (tombstone["version"], tombstone["deleted"], "title" in tombstone) == (2, True, False)


def test_every_order_of_arrival_doubled_ends_with_the_highest_version(replicate: Function, orders_store: Store) -> None:
    for last, order in itertools.product((updated, deleted), itertools.permutations(range(3))):
        ticket_id = new_id()
        events = [created(ticket_id), updated(ticket_id, 1), last(ticket_id, 2)]
        for index in (*order, *reversed(order)):
            assert replicate.deliver(events[index]).status_code == 204
        found = replica(orders_store, ticket_id) or {}
        assert (found["version"], found.get("deleted", False)) == (2, last is deleted)


def test_all_versions_at_once_end_with_the_highest(replicate: Function, orders_store: Store) -> None:
    for _ in range(20):
        ticket_id = new_id()
        events = [updated(ticket_id, version) for version in (*range(8), *range(8))]
        answers = at_once(replicate, lambda told: replicate.deliver(told).status_code, events)
        assert set(answers) == {204}
        assert (replica(orders_store, ticket_id) or {})["version"] == 7
