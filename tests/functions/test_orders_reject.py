"""orders-reject: on ticket.reservation-rejected."""

import pytest
from bson import ObjectId

from tests.functions.harness import Document, Function, Make, Store, User, assert_event, event, new_id, refusal, said
from tests.functions.scenes import place


@pytest.fixture
def reject(function: Make) -> Function:
    return function("orders-reject")


@pytest.fixture
def order(function: Make) -> Document:
    return place(function, User())


def rejection(order: Document) -> Document:
    data = {"orderId": order["id"], "ticketId": order["ticket"]["id"], "reason": "the ticket was deleted"}
    return event("ticket.reservation-rejected", "tickets", data)


@pytest.mark.parametrize("status", ["created", "awaiting:payment", "complete"])
def test_cancels_the_order_even_if_it_is_paid(
    reject: Function, orders_store: Store, order: Document, status: str
) -> None:
    orders_store["orders"].update_one({"_id": ObjectId(order["id"])}, {"$set": {"status": status}})
    response = reject.deliver(rejection(order))
    assert (response.status_code, response.data) == (204, b"")
    told = order | {"status": "cancelled", "version": 1, "reason": "the ticket was deleted"}
    assert len(orders_store.events()) == 2
    assert_event(orders_store.events()[1], "order.cancelled", order["id"], told)
    assert [row["status"] for row in orders_store["orders"].find()] == ["cancelled"]


def test_cancels_once_however_often_the_event_comes(reject: Function, orders_store: Store, order: Document) -> None:
    reject.deliver(rejection(order))
    before = orders_store.dump()
    assert reject.deliver(rejection(order)).status_code == 204
    assert orders_store.dump() == before


def test_asks_for_the_event_again_if_the_order_is_unknown(reject: Function) -> None:
    unknown = {"id": new_id(), "ticket": {"id": new_id()}}
    assert said(reject.deliver(rejection(unknown))) == refusal(404, "Not Found")
