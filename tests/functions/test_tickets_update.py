"""tickets-update: PUT /api/tickets/:id."""

import pytest
from werkzeug.test import TestResponse

from tests.functions import prices
from tests.functions.harness import Document, Function, Make, Store, User, assert_event, event, new_id, refusal, said
from tests.functions.scenes import offer, reserve

SELLER = User("seller@example.com")


@pytest.fixture
def update(function: Make) -> Function:
    return function("tickets-update")


@pytest.fixture
def ticket(function: Make) -> Document:
    return offer(function, SELLER)


def edit(
    update: Function, ticket_id: str, title: object = "Blues", price: object = 30, user: User = SELLER
) -> TestResponse:
    body = {"title": title, "price": price}
    return update.call("PUT", f"/api/tickets/{ticket_id}", json=body, user=user)


def test_updates_the_ticket_provided_valid_inputs(update: Function, tickets_store: Store, ticket: Document) -> None:
    expected = ticket | {"title": "Blues", "price": 30.0, "version": 1}
    assert said(edit(update, ticket["id"])) == (200, expected)
    [row] = tickets_store["tickets"].find()
    assert (row["title"], row["priceCents"], row["version"]) == ("Blues", 3000, 1)


def test_publishes_a_ticket_updated_event(update: Function, tickets_store: Store, ticket: Document) -> None:
    edited = edit(update, ticket["id"]).json or {}
    assert len(tickets_store.events()) == 2
    assert_event(tickets_store.events()[1], "ticket.updated", ticket["id"], edited)


def test_counts_versions_one_by_one(update: Function, ticket: Document) -> None:
    versions = [(edit(update, ticket["id"], price=price).json or {})["version"] for price in (1, 2, 3)]
    assert versions == [1, 2, 3]


def test_returns_a_404_if_the_provided_id_does_not_exist(update: Function, tickets_store: Store) -> None:
    assert said(edit(update, new_id())) == refusal(404, "Not Found")
    assert tickets_store.dump() == {}


@pytest.mark.parametrize("ticket_id", ["1", "", "x" * 24, "%00"])
def test_returns_a_404_if_the_id_is_malformed(update: Function, ticket_id: str) -> None:
    assert said(edit(update, ticket_id)) == refusal(404, "Not Found")


def test_returns_a_401_if_the_user_does_not_own_the_ticket(
    update: Function, tickets_store: Store, ticket: Document
) -> None:
    before = tickets_store.dump()
    assert said(edit(update, ticket["id"], user=User())) == refusal(401, "Not authorized")
    assert tickets_store.dump() == before


def test_returns_a_400_if_the_user_provides_an_invalid_title_or_price(
    update: Function, tickets_store: Store, ticket: Document
) -> None:
    before = tickets_store.dump()
    problems = ("title", "Title is required"), prices.ZERO
    assert said(edit(update, ticket["id"], "", -10)) == refusal(400, *problems)
    assert tickets_store.dump() == before


def test_rejects_updates_if_the_ticket_is_reserved(
    function: Make, update: Function, tickets_store: Store, ticket: Document
) -> None:
    reserve(function, ticket)
    before = tickets_store.dump()
    assert said(edit(update, ticket["id"])) == refusal(400, "Cannot edit a reserved ticket")
    assert tickets_store.dump() == before


def test_allows_updates_again_once_the_reservation_is_released(
    function: Make, update: Function, ticket: Document
) -> None:
    order = reserve(function, ticket)
    over = order | {"status": "cancelled", "version": 1, "reason": "expired"}
    function("tickets-replicate-order").deliver(event("order.cancelled", "orders", over))
    expected = ticket | {"title": "Blues", "price": 30.0, "version": 3}
    assert said(edit(update, ticket["id"])) == (200, expected)
