"""tickets-replicate-order: on order.created, order.completed, order.cancelled."""

import pytest

from functions.tickets import reservations
from tests.functions.harness import Document, Function, Make, Store, assert_event, event
from tests.functions.scenes import offer, order_state, reserve, ticket_state


@pytest.fixture
def replicate(function: Make) -> Function:
    return function("tickets-replicate-order")


@pytest.fixture
def ticket(function: Make) -> Document:
    return offer(function)


def created(order: Document) -> Document:
    return event("order.created", "orders", order)


def cancelled(order: Document, version: int = 1) -> Document:
    over = order | {"version": version, "status": "cancelled", "reason": "expired"}
    return event("order.cancelled", "orders", over)


def completed(order: Document, version: int = 1) -> Document:
    return event("order.completed", "orders", order | {"version": version, "status": "complete"})


def stored(tickets_store: Store) -> Document:
    [row] = tickets_store["tickets"].find()
    return row


def test_sets_the_order_id_of_the_ticket(replicate: Function, tickets_store: Store, ticket: Document) -> None:
    order = order_state(ticket)
    response = replicate.deliver(created(order))
    assert (response.status_code, response.data) == (204, b"")
    assert (stored(tickets_store)["orderId"], stored(tickets_store)["version"]) == (order["id"], 1)


def test_publishes_a_ticket_updated_event(replicate: Function, tickets_store: Store, ticket: Document) -> None:
    order = order_state(ticket)
    replicate.deliver(created(order))
    assert len(tickets_store.events()) == 2
    told = ticket | {"version": 1, "orderId": order["id"]}
    assert_event(tickets_store.events()[1], "ticket.updated", ticket["id"], told, change="reservation")


def test_clears_the_order_id_when_the_order_is_cancelled(
    replicate: Function, tickets_store: Store, ticket: Document
) -> None:
    order = order_state(ticket)
    replicate.deliver(created(order))
    assert replicate.deliver(cancelled(order)).status_code == 204
    assert "orderId" not in stored(tickets_store)
    assert_event(
        tickets_store.events()[2], "ticket.updated", ticket["id"], ticket | {"version": 2}, change="reservation"
    )


def test_reads_none_of_the_orders_that_are_over(
    replicate: Function, tickets_store: Store, ticket: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        replicate.deliver(cancelled(order_state(ticket)))
    monkeypatch.setattr(reservations, "_from_row", lambda row: pytest.fail(f"{row} was read"))
    order = order_state(ticket)
    replicate.deliver(created(order))
    assert stored(tickets_store)["orderId"] == order["id"]


def test_keeps_the_reservation_of_a_complete_order(
    function: Make, replicate: Function, tickets_store: Store, ticket: Document
) -> None:
    order = reserve(function, ticket)
    told = tickets_store.events()
    assert replicate.deliver(completed(order)).status_code == 204
    assert stored(tickets_store)["orderId"] == order["id"]
    assert tickets_store.events() == told


def test_reserves_for_a_complete_order_whose_creation_is_still_to_come(
    replicate: Function, tickets_store: Store, ticket: Document
) -> None:
    order = order_state(ticket)
    replicate.deliver(completed(order, 2))
    replicate.deliver(created(order))
    assert stored(tickets_store)["orderId"] == order["id"]


@pytest.mark.parametrize("version", [0, 4, 5])
def test_acks_an_older_or_equal_version_and_changes_nothing(
    replicate: Function, tickets_store: Store, ticket: Document, version: int
) -> None:
    order = order_state(ticket)
    replicate.deliver(cancelled(order, 5))
    before = tickets_store.dump()
    for late in (created(order | {"version": version}), completed(order, version), cancelled(order, version)):
        assert replicate.deliver(late).status_code == 204
    assert tickets_store.dump() == before


def test_a_cancellation_before_its_creation_reserves_nothing(
    replicate: Function, tickets_store: Store, ticket: Document
) -> None:
    order = order_state(ticket)
    replicate.deliver(cancelled(order))
    replicate.deliver(created(order))
    assert "orderId" not in stored(tickets_store)
    assert len(tickets_store.events()) == 1


def test_the_end_of_one_order_frees_no_other_orders_reservation(
    function: Make, replicate: Function, tickets_store: Store, ticket: Document
) -> None:
    first, second = reserve(function, ticket), reserve(function, ticket)
    replicate.deliver(cancelled(first))
    assert stored(tickets_store)["orderId"] == second["id"]


def test_rejects_the_reservation_of_a_ticket_that_is_gone(replicate: Function, tickets_store: Store) -> None:
    gone = ticket_state()
    order = order_state(gone)
    assert replicate.deliver(created(order)).status_code == 204
    rejection = {"orderId": order["id"], "ticketId": gone["id"], "reason": "the ticket was deleted"}
    assert len(tickets_store.events()) == 1
    assert_event(tickets_store.events()[0], "ticket.reservation-rejected", gone["id"], rejection)


def test_rejects_once_however_often_the_order_comes(replicate: Function, tickets_store: Store) -> None:
    order = order_state(ticket_state())
    replicate.deliver(created(order))
    before = tickets_store.dump()
    replicate.deliver(created(order))
    assert tickets_store.dump() == before


def test_rejects_nothing_that_is_cancelled_already(replicate: Function, tickets_store: Store) -> None:
    order = order_state(ticket_state())
    replicate.deliver(cancelled(order))
    replicate.deliver(created(order))
    assert tickets_store.events() == []
