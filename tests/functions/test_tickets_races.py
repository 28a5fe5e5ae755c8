"""Editing, deleting and reserving one ticket at once: whichever commits second sees the first."""

from collections.abc import Callable

import pytest

from functions.shared.eventing import outbox
from functions.shared.storage.transaction import Transaction
from functions.tickets import repository, reservations
from functions.tickets.domain import Ticket
from tests.functions.harness import Document, Function, Make, Store, User, event, refusal, said
from tests.functions.overlap import overtake
from tests.functions.scenes import offer, order_state, reserve

SELLER = User("seller@example.com")
Answer = tuple[int, object]
DONE = (204, None)


class Marketplace:
    """One ticket of the seller, and what can happen to it."""

    def __init__(self, function: Make) -> None:
        self._replicate = function("tickets-replicate-order", K_SERVICE="tickets")
        self.update = function("tickets-update", K_SERVICE="tickets")
        self._delete = function("tickets-delete", K_SERVICE="tickets")
        self.ticket = offer(function, SELLER)
        self.order = order_state(self.ticket)

    def reserve(self) -> Answer:
        """An order for the ticket is created."""
        return _answer(self._replicate, event("order.created", "orders", self.order))

    def release(self, order: Document) -> Answer:
        """An order for the ticket is cancelled."""
        over = order | {"version": order["version"] + 1, "status": "cancelled", "reason": "expired"}
        return _answer(self._replicate, event("order.cancelled", "orders", over))

    def edit(self) -> Answer:
        """The seller changes title and price."""
        body = {"title": "Blues", "price": 30}
        return said(self.update.call("PUT", f"/{self.ticket['id']}", json=body, user=SELLER))

    def delete(self) -> Answer:
        """The seller takes the ticket back."""
        response = self._delete.call("DELETE", f"/{self.ticket['id']}", user=SELLER)
        return DONE if response.status_code == 204 else said(response)


def _answer(subscriber: Function, told: Document) -> Answer:
    response = subscriber.deliver(told)
    return DONE if response.status_code == 204 else said(response)


@pytest.fixture
def market(function: Make) -> Marketplace:
    return Marketplace(function)


def names_of_events(tickets_store: Store) -> list[str]:
    return [told["type"].removeprefix("dev.ticketing.") for told in tickets_store.events()]


def test_an_edit_that_a_reservation_overtakes_is_refused(market: Marketplace, tickets_store: Store) -> None:
    edited, reserved = overtake(market.update, market.edit, market.reserve, (repository, "save"))
    assert (edited, reserved) == (refusal(400, "Cannot edit a reserved ticket"), DONE)
    [row] = tickets_store["tickets"].find()
    assert (row["title"], row["version"], row["orderId"]) == ("Jazz night", 1, market.order["id"])


def test_a_reservation_that_an_edit_overtakes_reserves_the_edited_ticket(
    market: Marketplace, tickets_store: Store
) -> None:
    reserved, (status, _) = overtake(market.update, market.reserve, market.edit, (reservations, "save"))
    assert (reserved, status) == (DONE, 200)
    [row] = tickets_store["tickets"].find()
    assert (row["title"], row["version"], row["orderId"]) == ("Blues", 2, market.order["id"])
    assert [told["data"]["version"] for told in tickets_store.events()] == [0, 1, 2]


def test_an_edit_that_an_edit_overtakes_builds_on_it(market: Marketplace, tickets_store: Store) -> None:
    (_, second), (_, first) = overtake(market.update, market.edit, market.edit, (repository, "save"))
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert (first["version"], second["version"]) == (1, 2)
    assert [told["data"]["version"] for told in tickets_store.events()] == [0, 1, 2]


def test_a_deletion_that_a_reservation_overtakes_is_refused(market: Marketplace, tickets_store: Store) -> None:
    deleted, reserved = overtake(market.update, market.delete, market.reserve, (outbox, "add"))
    assert (deleted, reserved) == (refusal(400, "Cannot delete a reserved ticket"), DONE)
    assert names_of_events(tickets_store) == ["ticket.created", "ticket.updated"]


def test_a_reservation_that_a_deletion_overtakes_is_rejected(market: Marketplace, tickets_store: Store) -> None:
    reserved, deleted = overtake(market.update, market.reserve, market.delete, (reservations, "save"))
    assert (reserved, deleted) == (DONE, DONE)
    assert tickets_store["tickets"].count_documents({}) == 0
    assert names_of_events(tickets_store) == ["ticket.created", "ticket.deleted", "ticket.reservation-rejected"]


def test_an_edit_that_a_deletion_overtakes_finds_nothing(market: Marketplace, tickets_store: Store) -> None:
    edited, deleted = overtake(market.update, market.edit, market.delete, (repository, "save"))
    assert (edited, deleted) == (refusal(404, "Not Found"), DONE)
    assert tickets_store["tickets"].count_documents({}) == 0
    assert names_of_events(tickets_store) == ["ticket.created", "ticket.deleted"]


def release_overtakes_reservation(market: Marketplace, function: Make) -> Document:
    """A ticket is reserved for one order; another's creation is overtaken by the first one's end."""
    market.order = order_state(market.ticket)
    held = reserve(function, market.ticket)  # the higher id: to the creation it looks as if nothing changes
    reserved, released = overtake(market.update, market.reserve, lambda: market.release(held), (reservations, "save"))
    assert (reserved, released) == (DONE, DONE)
    return market.order


def test_a_reservation_that_anothers_release_overtakes_holds(
    function: Make, market: Marketplace, tickets_store: Store
) -> None:
    order = release_overtakes_reservation(market, function)
    assert [row["orderId"] for row in tickets_store["tickets"].find()] == [order["id"]]


def test_without_the_write_that_changes_nothing_that_reservation_is_lost(
    function: Make, market: Marketplace, tickets_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations, "save", only_if_changed(repository.save))
    release_overtakes_reservation(market, function)
    assert ["orderId" in row for row in tickets_store["tickets"].find()] == [False]


def only_if_changed(save: Callable[..., None]) -> Callable[..., None]:
    def saving(ticket: Ticket, within: Transaction) -> None:
        stored = repository.find(ticket.id, within)
        if stored and stored.version != ticket.version:
            save(ticket, within)

    return saving
