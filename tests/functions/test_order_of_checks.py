"""Signed in (401), body valid (400), found (404), owner (401), business rule (400): the first that fails is told."""

import pytest

from tests.functions import scenes
from tests.functions.harness import Make, Store, User, new_id, refusal, said

OWNER, OTHER = User(), User()
BAD, GOOD = {"title": "", "price": 0, "ticketId": "1", "orderId": "1"}, {"title": "Blues", "price": 30}
LONG_AGO = "2001-01-01T00:00:00Z"
SIGNED_OUT = refusal(401, "Not authorized")
UNKNOWN = refusal(404, "Not Found")
INVALID = refusal(400, ("title", "Title is required"), ("price", "Price must be greater than 0"))


@pytest.mark.parametrize("path", ["f" * 24, "1"])
@pytest.mark.parametrize(
    ("name", "method"),
    [("tickets-update", "PUT"), ("tickets-delete", "DELETE"), ("orders-show", "GET"), ("orders-cancel", "DELETE")],
)
def test_signed_in_comes_before_found(function: Make, name: str, method: str, path: str) -> None:
    assert said(function(name).call(method, f"/{path}", json=GOOD)) == SIGNED_OUT


@pytest.mark.parametrize(
    ("name", "method"), [("tickets-create", "POST"), ("tickets-update", "PUT"), ("orders-create", "POST"),
     ("payments-create", "POST")],
)  # fmt: skip
def test_signed_in_comes_before_a_valid_body(function: Make, name: str, method: str) -> None:
    assert said(function(name).call(method, f"/{new_id()}", json=BAD)) == SIGNED_OUT
    assert said(function(name).call(method, f"/{new_id()}", data=b"no JSON", content_type="text/plain")) == SIGNED_OUT


def test_signed_in_comes_before_a_valid_query(function: Make) -> None:
    assert said(function("orders-list").call("GET", query_string="limit=0")) == SIGNED_OUT


@pytest.mark.parametrize("path", ["f" * 24, "1"])
def test_a_valid_body_comes_before_found(function: Make, path: str) -> None:
    assert said(function("tickets-update").call("PUT", f"/{path}", json=BAD, user=OWNER)) == INVALID


def test_a_valid_body_comes_before_the_owner(function: Make) -> None:
    ticket = scenes.offer(function, OWNER)
    assert said(function("tickets-update").call("PUT", f"/{ticket['id']}", json=BAD, user=OTHER)) == INVALID


def test_a_valid_body_comes_before_the_owner_of_an_order(function: Make) -> None:
    order = scenes.owe(function, OWNER)
    response = function("payments-create").call("POST", json={"orderId": order["id"], "token": ""}, user=OTHER)
    assert said(response) == refusal(
        400, ("token", "Token must be a card token (tok_...) or a payment method (pm_...)")
    )


def test_found_comes_before_the_owner(function: Make) -> None:
    assert said(function("tickets-update").call("PUT", f"/{new_id()}", json=GOOD, user=OTHER)) == UNKNOWN
    assert said(function("tickets-delete").call("DELETE", f"/{new_id()}", user=OTHER)) == UNKNOWN
    assert said(function("orders-cancel").call("DELETE", f"/{new_id()}", user=OTHER)) == UNKNOWN


def test_the_owner_comes_before_a_reservation(function: Make, tickets_store: Store) -> None:
    ticket = scenes.offer(function, OWNER)
    scenes.reserve(function, ticket)
    before = tickets_store.dump()
    assert said(function("tickets-update").call("PUT", f"/{ticket['id']}", json=GOOD, user=OTHER)) == SIGNED_OUT
    assert said(function("tickets-delete").call("DELETE", f"/{ticket['id']}", user=OTHER)) == SIGNED_OUT
    assert tickets_store.dump() == before


@pytest.mark.parametrize("changes", [{"status": "cancelled"}, {"status": "complete"}, {"expiresAt": LONG_AGO}])
def test_the_owner_comes_before_whether_an_order_can_be_paid(function: Make, changes: dict[str, str]) -> None:
    body = {"orderId": scenes.owe(function, OWNER, **changes)["id"], "token": "tok_visa"}
    assert said(function("payments-create").call("POST", json=body, user=OTHER)) == SIGNED_OUT


def test_the_owner_comes_before_another_payment(function: Make) -> None:
    body = {"orderId": scenes.owe(function, OWNER)["id"], "token": "tok_visa"}
    assert said(function("payments-create").call("POST", json=body, user=OWNER))[0] == 201
    assert said(function("payments-create").call("POST", json=body, user=OTHER)) == SIGNED_OUT


def test_a_valid_body_comes_before_a_reservation(function: Make) -> None:
    ticket = scenes.offer(function, OWNER)
    scenes.reserve(function, ticket)
    assert said(function("tickets-update").call("PUT", f"/{ticket['id']}", json=BAD, user=OWNER)) == INVALID
