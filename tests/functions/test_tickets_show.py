"""tickets-show: GET /api/tickets/:id."""

import pytest

from tests.functions.harness import Make, refusal, said
from tests.functions.scenes import offer, reserve


def test_returns_the_ticket_if_the_ticket_is_found(function: Make) -> None:
    ticket = offer(function)
    assert said(function("tickets-show").call("GET", f"/api/tickets/{ticket['id']}")) == (200, ticket)


def test_returns_a_reserved_ticket_with_its_order(function: Make) -> None:
    ticket = offer(function)
    order = reserve(function, ticket)
    response = function("tickets-show").call("GET", f"/api/tickets/{ticket['id']}")
    assert said(response) == (200, ticket | {"version": 1, "orderId": order["id"]})


def test_returns_the_ticket_for_an_id_in_capitals(function: Make) -> None:
    ticket = offer(function)
    assert said(function("tickets-show").call("GET", f"/api/tickets/{ticket['id'].upper()}")) == (200, ticket)


@pytest.mark.parametrize(
    "ticket_id",
    ["f" * 24, "1", "", "x" * 24, "0" * 23, "0" * 25, "%00", "%ff", "%f0%9f%8e%b7", "..%2f" + "0" * 24 + "/",
     "\uff10" * 24, "{$ne:1}"],
)  # fmt: skip
def test_returns_a_404_if_the_ticket_is_not_found(function: Make, ticket_id: str) -> None:
    response = function("tickets-show").call("GET", f"/api/tickets/{ticket_id}")
    assert said(response) == refusal(404, "Not Found")
