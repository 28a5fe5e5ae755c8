"""One ticket, one live order: the database itself enforces it under any concurrency."""

from collections import Counter
from functools import partial

import pytest
from bson import ObjectId

from tests.functions.harness import Function, Make, Store, User, at_once, event, said
from tests.functions.scenes import place, replicate

BUYERS = 200
SOME = 40  # buyers are enough where a guard is out, or where the index of one status is like that of another
RESERVED = {"errors": [{"message": "Ticket is already reserved"}]}
INDEX = "one_live_order_per_ticket"


def buy_at_once(create: Function, ticket_id: str, count: int = BUYERS) -> Counter[str]:
    """What so many buyers of one ticket are told, each told how often."""
    buyers = [User() for _ in range(count)]

    def buy(buyer: User) -> str:
        status, body = said(create.call("POST", json={"ticketId": ticket_id}, user=buyer))
        return f"{status} {'' if status == 201 else body}".strip()

    return Counter(at_once(create, buy, buyers, threads=32))


def test_of_200_buyers_of_one_ticket_exactly_one_gets_it(function: Make, orders_store: Store) -> None:
    ticket = replicate(function)
    assert buy_at_once(function("orders-create"), ticket["id"]) == {"201": 1, f"400 {RESERVED}": 199}
    assert orders_store["orders"].count_documents({}) == 1
    assert [told["type"] for told in orders_store.events()] == ["dev.ticketing.order.created"]


def test_without_the_unique_index_several_get_it(function: Make, orders_store: Store) -> None:
    ticket = replicate(function)
    place(function, User())  # has made the indexes
    index = orders_store["orders"].index_information()[INDEX]
    orders_store["orders"].drop_index(INDEX)
    try:
        assert buy_at_once(function("orders-create"), ticket["id"], SOME)["201"] > 1
    finally:
        orders_store.clear()
        orders_store["orders"].create_index(
            index["key"], name=INDEX, unique=True, partialFilterExpression=index["partialFilterExpression"]
        )


@pytest.mark.parametrize("status", ["created", "awaiting:payment", "complete"])
@pytest.mark.parametrize("count", [SOME, pytest.param(BUYERS, marks=pytest.mark.slow)])
def test_of_many_buyers_none_gets_a_ticket_that_a_live_order_has(
    function: Make, orders_store: Store, status: str, count: int
) -> None:
    order = place(function, User())
    orders_store["orders"].update_one({"_id": ObjectId(order["id"])}, {"$set": {"status": status}})
    assert buy_at_once(function("orders-create"), order["ticket"]["id"], count) == {f"400 {RESERVED}": count}


def test_a_ticket_given_up_goes_to_exactly_one_of_those_who_ask_meanwhile(function: Make, orders_store: Store) -> None:
    first_buyer = User()
    order = place(function, first_buyer)
    create = function("orders-create", K_SERVICE="orders")
    cancel = function("orders-cancel", K_SERVICE="orders")
    body, path = {"ticketId": order["ticket"]["id"]}, f"/api/orders/{order['id']}"

    def ask_or_give_up(turn: int) -> int:
        if turn == 10:
            return cancel.call("DELETE", path, user=first_buyer).status_code
        return create.call("POST", json=body, user=User()).status_code

    answers = Counter(at_once(create, ask_or_give_up, range(31)))
    statuses = Counter(row["status"] for row in orders_store["orders"].find())
    assert (answers[204], answers[201] + answers[400]) == (1, 30)
    assert statuses == Counter(cancelled=1, created=answers[201])
    assert answers[201] <= 1


def test_cancelling_and_expiring_at_once_cancel_once(function: Make, orders_store: Store) -> None:
    buyer = User()
    cancel = function("orders-cancel", K_SERVICE="orders")
    expire = function("orders-expire", K_SERVICE="orders")
    for _ in range(10):
        order = place(function, buyer, EXPIRATION_WINDOW_SECONDS="0")
        over = event("expiration.completed", "expiration", {"orderId": order["id"]})
        give_up = partial(cancel.call, "DELETE", f"/api/orders/{order['id']}", user=buyer)
        calls = [give_up, partial(expire.deliver, over)] * 2
        assert at_once(cancel, lambda call: call().status_code, calls) == [204] * 4
        told = [found["data"]["version"] for found in orders_store.events() if found["subject"] == order["id"]]
        assert told == [0, 1]
