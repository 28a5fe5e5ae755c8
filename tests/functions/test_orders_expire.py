"""orders-expire: on expiration.completed."""

import pytest
from bson import ObjectId

from tests.functions.harness import Document, Function, Make, Store, User, assert_event, event, new_id, refusal, said
from tests.functions.scenes import place


@pytest.fixture
def expire(function: Make) -> Function:
    return function("orders-expire")


@pytest.fixture
def overdue(function: Make) -> Document:
    """An order whose time to pay is over."""
    return place(function, User(), EXPIRATION_WINDOW_SECONDS="0")


def expiration(order_id: str) -> Document:
    return event("expiration.completed", "expiration", {"orderId": order_id}, id=order_id)


def test_updates_the_order_status_to_cancelled(expire: Function, orders_store: Store, overdue: Document) -> None:
    response = expire.deliver(expiration(overdue["id"]))
    assert (response.status_code, response.data) == (204, b"")
    [row] = orders_store["orders"].find()
    assert (row["status"], row["version"]) == ("cancelled", 1)


def test_emits_an_order_cancelled_event(expire: Function, orders_store: Store, overdue: Document) -> None:
    expire.deliver(expiration(overdue["id"]))
    assert len(orders_store.events()) == 2
    told = overdue | {"status": "cancelled", "version": 1, "reason": "expired"}
    assert_event(orders_store.events()[1], "order.cancelled", overdue["id"], told)


def test_goes_on_with_the_trace_of_the_event(expire: Function, orders_store: Store, overdue: Document) -> None:
    received = expiration(overdue["id"])
    expire.deliver(received)
    assert orders_store.events()[1]["traceparent"] == received["traceparent"]


def test_cancels_an_order_that_awaits_its_payment(expire: Function, orders_store: Store, overdue: Document) -> None:
    row = {"_id": ObjectId(overdue["id"])}
    orders_store["orders"].update_one(row, {"$set": {"status": "awaiting:payment", "version": 1}})
    assert expire.deliver(expiration(overdue["id"])).status_code == 204
    assert [row["status"] for row in orders_store["orders"].find()] == ["cancelled"]


@pytest.mark.parametrize("status", ["complete", "cancelled"])
def test_acks_the_message_and_changes_nothing_if_the_order_is_over(
    expire: Function, orders_store: Store, overdue: Document, status: str
) -> None:
    orders_store["orders"].update_one({"_id": ObjectId(overdue["id"])}, {"$set": {"status": status}})
    before = orders_store.dump()
    assert expire.deliver(expiration(overdue["id"])).status_code == 204
    assert orders_store.dump() == before


def test_cancels_once_however_often_the_event_comes(expire: Function, orders_store: Store, overdue: Document) -> None:
    expire.deliver(expiration(overdue["id"]))
    before = orders_store.dump()
    assert expire.deliver(expiration(overdue["id"])).status_code == 204
    assert orders_store.dump() == before


def test_asks_for_the_event_again_if_it_comes_early(function: Make, expire: Function, orders_store: Store) -> None:
    order = place(function, User())
    before = orders_store.dump()
    assert said(expire.deliver(expiration(order["id"]))) == refusal(409, "Order has not expired yet")
    assert orders_store.dump() == before


@pytest.mark.parametrize("status", ["complete", "cancelled"])
def test_acks_an_early_event_of_an_order_that_is_over(
    function: Make, expire: Function, orders_store: Store, status: str
) -> None:
    order = place(function, User())
    orders_store["orders"].update_one({"_id": ObjectId(order["id"])}, {"$set": {"status": status}})
    assert expire.deliver(expiration(order["id"])).status_code == 204


def test_asks_for_the_event_again_if_the_order_is_unknown(expire: Function) -> None:
    assert said(expire.deliver(expiration(new_id()))) == refusal(404, "Not Found")
