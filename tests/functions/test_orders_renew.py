"""orders-renew: POST /api/orders/:id/renewal."""

from datetime import datetime, timedelta

import pytest

from tests.functions.harness import Document, Function, Make, Store, User, assert_event, event, refusal, said
from tests.functions.scenes import place, show

BUYER = User()
WINDOW = {
    "EXPIRATION_WINDOW_SECONDS": "60"
}  # of the order: shorter than a third of what a renewal goes by, 900 seconds


@pytest.fixture
def renew(function: Make) -> Function:
    return function("orders-renew")


@pytest.fixture
def order(function: Make) -> Document:
    return place(function, BUYER, **WINDOW)


def ask(renew: Function, order_id: object, user: User | None = BUYER, **headers: str) -> tuple[int, object]:
    return said(renew.call("POST", f"/api/orders/{order_id}/renewal", user=user, headers=headers))


def until(order: object) -> datetime:
    assert isinstance(order, dict)
    return datetime.fromisoformat(order["expiresAt"])


def test_gives_a_third_of_the_window_from_now(function: Make, renew: Function, order: Document) -> None:
    status, renewed = ask(renew, order["id"])
    assert status == 200
    assert timedelta(seconds=230) < until(renewed) - until(order) <= timedelta(seconds=300)
    assert show(function, order["id"], BUYER) == renewed


def test_emits_an_order_renewed_event(renew: Function, orders_store: Store, order: Document) -> None:
    _, renewed = ask(renew, order["id"])
    assert len(orders_store.events()) == 2
    assert isinstance(renewed, dict)
    assert renewed["version"] == 1
    assert_event(orders_store.events()[1], "order.renewed", order["id"], renewed)


def test_takes_no_time_away(function: Make, renew: Function, orders_store: Store) -> None:
    """A third of the window from now is earlier than what a new order has: that stays, and counts as no renewal."""
    order = place(function, BUYER)
    assert ask(renew, order["id"]) == (200, order)
    assert len(orders_store.events()) == 1


def test_is_renewed_so_many_times_only(function: Make, order: Document) -> None:
    renew = function("orders-renew", RENEWALS="1")
    assert ask(renew, order["id"])[0] == 200
    longer = function("orders-renew", RENEWALS="1", EXPIRATION_WINDOW_SECONDS="90000")
    assert ask(longer, order["id"]) == refusal(400, "Order cannot be renewed again")


def test_the_same_key_renews_once(function: Make, renew: Function, order: Document) -> None:
    headers = {"Idempotency-Key": "more"}
    first = renew.call("POST", f"/api/orders/{order['id']}/renewal", user=BUYER, headers=headers)
    again = renew.call("POST", f"/api/orders/{order['id']}/renewal", user=BUYER, headers=headers)
    assert said(again) == said(first)
    assert show(function, order["id"], BUYER)["version"] == 1


def test_a_key_belongs_to_one_order(function: Make, renew: Function, order: Document) -> None:
    headers = {"Idempotency-Key": "more"}
    renew.call("POST", f"/api/orders/{order['id']}/renewal", user=BUYER, headers=headers)
    another = place(function, BUYER, **WINDOW)
    again = renew.call("POST", f"/api/orders/{another['id']}/renewal", user=BUYER, headers=headers)
    assert said(again) == refusal(422, "Idempotency-Key was used with another body")
    unknown = renew.call("POST", "/api/orders/null/renewal", user=BUYER, headers=headers)
    assert said(unknown) == refusal(404, "Not Found")


def test_an_expired_order_is_not_renewed(function: Make, renew: Function) -> None:
    order = place(function, BUYER, EXPIRATION_WINDOW_SECONDS="0")
    assert ask(renew, order["id"]) == refusal(400, "Cannot renew an expired order")


def test_a_cancelled_order_is_not_renewed(function: Make, renew: Function, order: Document) -> None:
    function("orders-cancel").call("DELETE", f"/{order['id']}", user=BUYER)
    assert ask(renew, order["id"]) == refusal(400, "Cannot renew a cancelled order")


def test_a_paid_order_is_not_renewed(function: Make, renew: Function, order: Document) -> None:
    paid = {"id": "a" * 24, "orderId": order["id"], "amount": 20.0, "providerId": "pi_1"}
    function("orders-complete").deliver(event("payment.created", "payments", paid))
    assert ask(renew, order["id"]) == refusal(400, "Cannot renew a paid order")


def test_only_its_buyer_renews_an_order(renew: Function, order: Document) -> None:
    assert ask(renew, order["id"], None) == refusal(401, "Not authorized")
    assert ask(renew, order["id"], User("other@example.com")) == refusal(401, "Not authorized")


@pytest.mark.parametrize("order_id", ["f" * 24, "1", "x" * 24])
def test_an_unknown_order_is_not_found(renew: Function, order_id: str) -> None:
    assert ask(renew, order_id) == refusal(404, "Not Found")


def test_an_expiration_for_an_earlier_time_does_nothing(function: Make, renew: Function, order: Document) -> None:
    _, renewed = ask(renew, order["id"])
    due = {"orderId": order["id"], "expiresAt": order["expiresAt"]}
    answer = function("orders-expire").deliver(event("expiration.completed", "expiration", due))
    assert answer.status_code == 204
    assert show(function, order["id"], BUYER) == renewed


def test_the_new_time_is_scheduled_by_an_event_of_its_own(function: Make, renew: Function, order: Document) -> None:
    _, renewed = ask(renew, order["id"])
    schedule = function("expiration-schedule")
    first = schedule.deliver(event("order.created", "orders", order)).get_json(force=True)
    assert isinstance(renewed, dict)
    second = schedule.deliver(event("order.renewed", "orders", renewed)).get_json(force=True)
    assert first["id"] != second["id"]
    assert second["data"]["orderId"] == order["id"]
    assert until(second["data"]) == until(renewed) == datetime.fromisoformat(second["notbefore"])
