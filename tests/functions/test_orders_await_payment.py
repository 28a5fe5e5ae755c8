"""orders-await-payment: on payment.started."""

import pytest
from bson import ObjectId

from tests.functions.harness import Document, Function, Make, Store, User, assert_event, event, new_id, refusal, said
from tests.functions.scenes import place


@pytest.fixture
def await_payment(function: Make) -> Function:
    return function("orders-await-payment")


@pytest.fixture
def order(function: Make) -> Document:
    return place(function, User())


def started(order_id: str) -> Document:
    return event("payment.started", "payments", {"id": new_id(), "orderId": order_id})


def test_updates_the_order_status_to_awaiting_payment(
    await_payment: Function, orders_store: Store, order: Document
) -> None:
    response = await_payment.deliver(started(order["id"]))
    assert (response.status_code, response.data) == (204, b"")
    [row] = orders_store["orders"].find()
    assert (row["status"], row["version"]) == ("awaiting:payment", 1)
    assert len(orders_store.events()) == 2
    told = order | {"status": "awaiting:payment", "version": 1}
    assert_event(orders_store.events()[1], "order.awaiting-payment", order["id"], told)


def test_goes_on_with_the_trace_of_the_event(await_payment: Function, orders_store: Store, order: Document) -> None:
    received = started(order["id"])
    await_payment.deliver(received)
    assert orders_store.events()[1]["traceparent"] == received["traceparent"]


@pytest.mark.parametrize("status", ["awaiting:payment", "complete", "cancelled"])
def test_acks_the_message_and_changes_nothing_if_more_is_known(
    await_payment: Function, orders_store: Store, order: Document, status: str
) -> None:
    orders_store["orders"].update_one({"_id": ObjectId(order["id"])}, {"$set": {"status": status}})
    before = orders_store.dump()
    assert await_payment.deliver(started(order["id"])).status_code == 204
    assert orders_store.dump() == before


def test_asks_for_the_event_again_if_the_order_is_unknown(await_payment: Function) -> None:
    assert said(await_payment.deliver(started(new_id()))) == refusal(404, "Not Found")
