"""orders-show: GET /api/orders/:id."""

import pytest

from tests.functions.harness import Make, User, refusal, said
from tests.functions.scenes import place, show

BUYER = User()


def test_fetches_the_order(function: Make) -> None:
    order = place(function, BUYER)
    assert show(function, order["id"], BUYER) == order


def test_returns_an_error_if_one_user_tries_to_fetch_another_users_order(function: Make) -> None:
    order = place(function, BUYER)
    response = function("orders-show").call("GET", f"/api/orders/{order['id']}", user=User())
    assert said(response) == refusal(401, "Not authorized")


@pytest.mark.parametrize("order_id", ["f" * 24, "1", "", "x" * 24, "%00"])
def test_returns_a_404_if_the_order_is_not_found(function: Make, order_id: str) -> None:
    response = function("orders-show").call("GET", f"/api/orders/{order_id}", user=BUYER)
    assert said(response) == refusal(404, "Not Found")
