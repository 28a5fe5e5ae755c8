"""orders-fail-payment: on payment.failed."""

import pytest
from bson import ObjectId

from tests.functions.harness import Document, Function, Make, Store, User, assert_event, event, new_id, refusal, said
from tests.functions.scenes import place

REASON = "Your card was declined."


@pytest.fixture
def fail(function: Make) -> Function:
    return function("orders-fail-payment")


@pytest.fixture
def order(function: Make) -> Document:
    return place(function, User())


def failed(order_id: str) -> Document:
    return event("payment.failed", "payments", {"id": new_id(), "orderId": order_id, "reason": REASON})


@pytest.mark.parametrize("status", ["created", "awaiting:payment"])
def test_cancels_the_order_with_the_reason(fail: Function, orders_store: Store, order: Document, status: str) -> None:
    orders_store["orders"].update_one({"_id": ObjectId(order["id"])}, {"$set": {"status": status}})
    response = fail.deliver(failed(order["id"]))
    assert (response.status_code, response.data) == (204, b"")
    assert [row["status"] for row in orders_store["orders"].find()] == ["cancelled"]
    assert len(orders_store.events()) == 2
    told = order | {"status": "cancelled", "version": 1, "reason": REASON}
    assert_event(orders_store.events()[1], "order.cancelled", order["id"], told)


@pytest.mark.parametrize("status", ["complete", "cancelled"])
def test_acks_the_message_and_changes_nothing_if_the_order_is_over(
    fail: Function, orders_store: Store, order: Document, status: str
) -> None:
    orders_store["orders"].update_one({"_id": ObjectId(order["id"])}, {"$set": {"status": status}})
    before = orders_store.dump()
    assert fail.deliver(failed(order["id"])).status_code == 204
    assert orders_store.dump() == before


def test_the_ticket_is_free_for_others(function: Make, fail: Function, order: Document) -> None:
    fail.deliver(failed(order["id"]))
    assert place(function, User("other@example.com"), order["ticket"]["id"])["status"] == "created"


def test_asks_for_the_event_again_if_the_order_is_unknown(fail: Function) -> None:
    assert said(fail.deliver(failed(new_id()))) == refusal(404, "Not Found")
