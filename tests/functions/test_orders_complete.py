"""orders-complete: on payment.created."""

import pytest
from bson import ObjectId

from tests.functions.harness import Document, Function, Make, Store, User, assert_event, event, new_id, refusal, said
from tests.functions.scenes import place


@pytest.fixture
def complete(function: Make) -> Function:
    return function("orders-complete")


@pytest.fixture
def order(function: Make) -> Document:
    return place(function, User())


def created(order_id: str) -> Document:
    data = {"id": new_id(), "orderId": order_id, "amount": 20.0, "providerId": "pi_1"}
    return event("payment.created", "payments", data)


def be(orders_store: Store, order: Document, status: str) -> None:
    orders_store["orders"].update_one({"_id": ObjectId(order["id"])}, {"$set": {"status": status}})


@pytest.mark.parametrize("status", ["created", "awaiting:payment"])
def test_updates_the_order_status_to_complete(
    complete: Function, orders_store: Store, order: Document, status: str
) -> None:
    be(orders_store, order, status)
    response = complete.deliver(created(order["id"]))
    assert (response.status_code, response.data) == (204, b"")
    [row] = orders_store["orders"].find()
    assert (row["status"], row["version"]) == ("complete", 1)
    assert len(orders_store.events()) == 2
    told = order | {"status": "complete", "version": 1}
    assert_event(orders_store.events()[1], "order.completed", order["id"], told)


@pytest.mark.parametrize("status", ["complete", "cancelled"])
def test_acks_the_message_and_changes_nothing_if_the_order_is_over(
    complete: Function, orders_store: Store, order: Document, status: str
) -> None:
    be(orders_store, order, status)
    before = orders_store.dump()
    assert complete.deliver(created(order["id"])).status_code == 204
    assert orders_store.dump() == before


def test_completes_an_order_whose_time_is_over_but_that_is_not_cancelled(
    function: Make, complete: Function, orders_store: Store
) -> None:
    overdue = place(function, User(), EXPIRATION_WINDOW_SECONDS="0")
    assert complete.deliver(created(overdue["id"])).status_code == 204
    assert [row["status"] for row in orders_store["orders"].find()] == ["complete"]


def test_a_paid_order_is_neither_cancelled_nor_expired_nor_failed(
    function: Make, complete: Function, orders_store: Store
) -> None:
    buyer = User()
    order = place(function, buyer, EXPIRATION_WINDOW_SECONDS="0")
    complete.deliver(created(order["id"]))
    before = orders_store.dump()
    over = event("expiration.completed", "expiration", {"orderId": order["id"]}, id=order["id"])
    failed = event("payment.failed", "payments", {"id": new_id(), "orderId": order["id"], "reason": "late"})
    cancelled = function("orders-cancel").call("DELETE", f"/{order['id']}", user=buyer)
    assert said(cancelled) == refusal(400, "Cannot cancel a paid order")
    assert function("orders-expire").deliver(over).status_code == 204
    assert function("orders-fail-payment").deliver(failed).status_code == 204
    assert orders_store.dump() == before


def test_asks_for_the_event_again_if_the_order_is_unknown(complete: Function) -> None:
    assert said(complete.deliver(created(new_id()))) == refusal(404, "Not Found")
