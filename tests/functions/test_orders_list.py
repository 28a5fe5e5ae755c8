"""orders-list: GET /api/orders."""

from bson import ObjectId

from tests.functions.harness import Make, Store, User, said
from tests.functions.scenes import place


def test_fetches_orders_for_a_particular_user(function: Make) -> None:
    buyer, other = User(), User()
    own = [place(function, buyer), place(function, buyer)]
    place(function, other)
    assert said(function("orders-list").call("GET", "/api/orders", user=buyer)) == (200, own)


def test_fetches_nothing_for_a_user_without_orders(function: Make) -> None:
    place(function, User())
    assert said(function("orders-list").call("GET", "/api/orders", user=User())) == (200, [])


def test_fetches_orders_in_every_status(function: Make, orders_store: Store) -> None:
    buyer, statuses = User(), ["created", "awaiting:payment", "complete", "cancelled"]
    for status in statuses:
        order = place(function, buyer)
        orders_store["orders"].update_one({"_id": ObjectId(order["id"])}, {"$set": {"status": status}})
    _, found = said(function("orders-list").call("GET", "/api/orders", user=buyer))
    assert isinstance(found, list)
    assert [order["status"] for order in found] == statuses
