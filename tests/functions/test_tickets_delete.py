"""tickets-delete: DELETE /api/tickets/:id."""

import pytest
from werkzeug.test import TestResponse

from tests.functions.harness import Document, Function, Make, Store, User, assert_event, refusal, said
from tests.functions.scenes import offer, reserve

SELLER = User("seller@example.com")


@pytest.fixture
def delete(function: Make) -> Function:
    return function("tickets-delete")


@pytest.fixture
def ticket(function: Make) -> Document:
    return offer(function, SELLER)


def take_back(delete: Function, ticket_id: str, user: User = SELLER) -> TestResponse:
    return delete.call("DELETE", f"/api/tickets/{ticket_id}", user=user)


def test_deletes_the_ticket(delete: Function, tickets_store: Store, ticket: Document) -> None:
    response = take_back(delete, ticket["id"])
    assert (response.status_code, response.data, "Content-Type" in response.headers) == (204, b"", False)
    assert tickets_store["tickets"].count_documents({}) == 0


def test_publishes_a_ticket_deleted_event(delete: Function, tickets_store: Store, ticket: Document) -> None:
    take_back(delete, ticket["id"])
    assert len(tickets_store.events()) == 2
    tombstone = {"id": ticket["id"], "version": 1}
    assert_event(tickets_store.events()[1], "ticket.deleted", ticket["id"], tombstone)


def test_returns_a_404_the_second_time(delete: Function, tickets_store: Store, ticket: Document) -> None:
    take_back(delete, ticket["id"])
    before = tickets_store.dump()
    assert said(take_back(delete, ticket["id"])) == refusal(404, "Not Found")
    assert tickets_store.dump() == before


@pytest.mark.parametrize("ticket_id", ["f" * 24, "1", "", "x" * 24, "%00"])
def test_returns_a_404_if_the_ticket_is_not_found(delete: Function, ticket_id: str) -> None:
    assert said(take_back(delete, ticket_id)) == refusal(404, "Not Found")


def test_returns_a_401_if_the_user_does_not_own_the_ticket(
    delete: Function, tickets_store: Store, ticket: Document
) -> None:
    before = tickets_store.dump()
    assert said(take_back(delete, ticket["id"], User())) == refusal(401, "Not authorized")
    assert tickets_store.dump() == before


def test_refuses_to_delete_a_reserved_ticket(
    function: Make, delete: Function, tickets_store: Store, ticket: Document
) -> None:
    reserve(function, ticket)
    before = tickets_store.dump()
    assert said(take_back(delete, ticket["id"])) == refusal(400, "Cannot delete a reserved ticket")
    assert tickets_store.dump() == before
