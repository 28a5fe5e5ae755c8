"""The history of an order: its transitions with their times and reasons, oldest first."""

from datetime import datetime

import pytest
from bson import ObjectId

from tests.functions.harness import Document, Make, Store, User, event
from tests.functions.scenes import place

BUYER = User()
PAYMENT = {"id": "a" * 24}


def history(function: Make, order_id: object) -> list[Document]:
    shown = function("orders-show").call("GET", f"/{order_id}", user=BUYER)
    return list((shown.json or {})["history"])


def steps(function: Make, order_id: object) -> list[tuple[str, str | None]]:
    return [(step["status"], step.get("reason")) for step in history(function, order_id)]


@pytest.fixture
def order(function: Make) -> Document:
    return place(function, BUYER)


def test_begins_with_the_reservation(function: Make, order: Document) -> None:
    assert steps(function, order["id"]) == [("created", None)]


def test_shows_a_paid_order(function: Make, order: Document) -> None:
    paid = PAYMENT | {"orderId": order["id"]}
    function("orders-await-payment").deliver(event("payment.started", "payments", paid))
    function("orders-complete").deliver(event("payment.created", "payments", paid | {"amount": 20, "providerId": "p"}))
    assert [status for status, _ in steps(function, order["id"])] == ["created", "awaiting:payment", "complete"]
    times = [datetime.fromisoformat(step["at"]) for step in history(function, order["id"])]
    assert times == sorted(times)


def test_tells_that_the_card_was_declined(function: Make, order: Document) -> None:
    failed = PAYMENT | {"orderId": order["id"], "reason": "No funds."}
    function("orders-fail-payment").deliver(event("payment.failed", "payments", failed))
    assert steps(function, order["id"]) == [("created", None), ("cancelled", "No funds.")]


def test_tells_that_the_ticket_is_gone(function: Make, order: Document) -> None:
    rejected = {"orderId": order["id"], "ticketId": order["ticket"]["id"], "reason": "the ticket was deleted"}
    function("orders-reject").deliver(event("ticket.reservation-rejected", "tickets", rejected))
    assert steps(function, order["id"]) == [("created", None), ("cancelled", "the ticket was deleted")]


def test_tells_who_cancelled_it(function: Make, order: Document) -> None:
    function("orders-cancel").call("DELETE", f"/{order['id']}", user=BUYER)
    assert steps(function, order["id"])[-1] == ("cancelled", "cancelled by the buyer")


def test_an_order_of_version_0_1_has_the_step_that_its_id_tells(
    function: Make, orders_store: Store, order: Document
) -> None:
    """Rows stored before this version have no history, no slot and no renewals."""
    this = {"_id": ObjectId(order["id"])}
    orders_store["orders"].update_one(this, {"$unset": {"history": "", "slot": "", "renewals": ""}})
    assert steps(function, order["id"]) == [("created", None)]
    function("orders-cancel").call("DELETE", f"/{order['id']}", user=BUYER)
    assert [status for status, _ in steps(function, order["id"])] == ["created", "cancelled"]


def test_orders_of_version_0_1_are_not_in_each_others_way(function: Make, orders_store: Store) -> None:
    """They have no slot, and get none when they are written."""
    orders = [place(function, BUYER) for _ in range(2)]
    orders_store["orders"].update_many({}, {"$unset": {"slot": ""}})
    orders.append(place(function, BUYER))
    for number, order in enumerate(orders):
        started = {"id": f"{number}" * 24, "orderId": order["id"]}
        answer = function("orders-await-payment").deliver(event("payment.started", "payments", started))
        assert answer.status_code == 204
