"""orders-cancel: DELETE /api/orders/:id."""

import pytest
from bson import ObjectId
from werkzeug.test import TestResponse

from tests.functions.harness import Document, Function, Make, Store, User, assert_event, at_once, refusal, said
from tests.functions.scenes import place, show

BUYER = User()


@pytest.fixture
def cancel(function: Make) -> Function:
    return function("orders-cancel")


@pytest.fixture
def order(function: Make) -> Document:
    return place(function, BUYER)


def give_up(cancel: Function, order_id: str, user: User = BUYER) -> TestResponse:
    return cancel.call("DELETE", f"/api/orders/{order_id}", user=user)


def set_status(orders_store: Store, order: Document, status: str) -> None:
    change = {"$set": {"status": status}, "$inc": {"version": 1}}
    orders_store["orders"].update_one({"_id": ObjectId(order["id"])}, change)


def test_marks_an_order_as_cancelled(function: Make, cancel: Function, order: Document) -> None:
    response = give_up(cancel, order["id"])
    assert (response.status_code, response.data, "Content-Type" in response.headers) == (204, b"", False)
    assert show(function, order["id"], BUYER) == order | {"status": "cancelled", "version": 1}


def test_emits_an_order_cancelled_event(cancel: Function, orders_store: Store, order: Document) -> None:
    give_up(cancel, order["id"])
    assert len(orders_store.events()) == 2
    told = order | {"status": "cancelled", "version": 1, "reason": "cancelled by the buyer"}
    assert_event(orders_store.events()[1], "order.cancelled", order["id"], told)


def test_can_cancel_an_order_that_awaits_its_payment(cancel: Function, orders_store: Store, order: Document) -> None:
    set_status(orders_store, order, "awaiting:payment")
    assert give_up(cancel, order["id"]).status_code == 204
    assert orders_store.events()[-1]["data"]["version"] == 2


def test_cancels_once_however_often_it_is_asked(cancel: Function, orders_store: Store, order: Document) -> None:
    give_up(cancel, order["id"])
    before = orders_store.dump()
    assert give_up(cancel, order["id"]).status_code == 204
    assert orders_store.dump() == before


def test_cancels_once_when_asked_twenty_times_at_once(cancel: Function, orders_store: Store, order: Document) -> None:
    assert at_once(cancel, lambda _: give_up(cancel, order["id"]).status_code, range(20)) == [204] * 20
    assert [told["data"]["version"] for told in orders_store.events()] == [0, 1]


def test_cannot_cancel_a_paid_order(cancel: Function, orders_store: Store, order: Document) -> None:
    set_status(orders_store, order, "complete")
    before = orders_store.dump()
    assert said(give_up(cancel, order["id"])) == refusal(400, "Cannot cancel a paid order")
    assert orders_store.dump() == before


@pytest.mark.parametrize("status", ["created", "cancelled", "complete"])
def test_returns_a_401_for_another_users_order_in_any_status(
    cancel: Function, orders_store: Store, order: Document, status: str
) -> None:
    set_status(orders_store, order, status)
    before = orders_store.dump()
    assert said(give_up(cancel, order["id"], User())) == refusal(401, "Not authorized")
    assert orders_store.dump() == before


@pytest.mark.parametrize("order_id", ["f" * 24, "1", "", "x" * 24, "%00"])
def test_returns_a_404_if_the_order_is_not_found(cancel: Function, order_id: str) -> None:
    assert said(give_up(cancel, order_id)) == refusal(404, "Not Found")
