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


def test_lists_the_newest_first_where_asked_page_by_page(function: Make) -> None:
    buyer, listing = User(), function("orders-list")
    placed = [place(function, buyer)["id"] for _ in range(5)]
    found, path = [], "/api/orders?sort=newest&limit=2"
    for _ in range(3):
        response = listing.call("GET", path, user=buyer)
        found += [order["id"] for order in response.get_json()]
        path = response.headers.get("Link", "").partition(">")[0].lstrip("<")
    assert (found, path) == (placed[::-1], "")


def test_another_order_of_the_list_is_refused(function: Make) -> None:
    answer = said(function("orders-list").call("GET", "/api/orders?sort=oldest", user=User()))
    assert answer == (
        400,
        {"errors": [{"message": "Sort must be newest, or left out for the oldest first", "field": "sort"}]},
    )
