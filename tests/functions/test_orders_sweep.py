"""orders-sweep: expires the orders whose expiration was lost."""

from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import PyMongoError

from functions.orders import repository, sweep
from functions.shared.clock import now
from tests.functions.harness import Document, Function, Make, Store, User, assert_event, process
from tests.functions.scenes import place

OVERDUE = sweep.GRACE + timedelta(seconds=1)


@pytest.fixture
def orders(function: Make) -> Function:
    """Any function with the database of orders."""
    return function("orders-expire")


def placed(function: Make, orders_store: Store, *, ago: timedelta, **changes: object) -> Document:
    """Return an order whose time was over that long ago."""
    order = place(function, User())
    orders_store["orders"].update_one(
        {"_id": last(orders_store)["_id"]}, {"$set": {"expiresAt": now() - ago, **changes}}
    )
    return order


def last(orders_store: Store) -> Document:
    return list(orders_store["orders"].find().sort("_id"))[-1]


def swept(orders: Function) -> int:
    with process(orders.environment):
        return sweep.sweep()


@pytest.mark.parametrize("status", ["created", "awaiting:payment"])
def test_expires_an_unpaid_order_that_is_overdue(
    function: Make, orders: Function, orders_store: Store, status: str
) -> None:
    order = placed(function, orders_store, ago=OVERDUE, status=status)
    assert swept(orders) == 1
    assert (last(orders_store)["status"], swept(orders)) == ("cancelled", 0)
    event = orders_store.events()[-1]
    data: Any = event["data"]
    told = {name: data[name] for name in ("id", "version", "status", "reason")}
    assert told == {"id": order["id"], "version": 1, "status": "cancelled", "reason": "expired"}
    assert_event(event, "order.cancelled", order["id"], data)


@pytest.mark.parametrize(
    ("ago", "status"),
    [
        (OVERDUE, "complete"),
        (OVERDUE, "cancelled"),
        (timedelta(minutes=1), "created"),
        (-OVERDUE, "created"),
    ],
    ids=["paid", "cancelled", "an expiration under way", "in time"],
)
def test_leaves_all_other_orders_alone(
    function: Make, orders: Function, orders_store: Store, ago: timedelta, status: str
) -> None:
    placed(function, orders_store, ago=ago, status=status)
    before = orders_store.dump()
    assert swept(orders) == 0
    assert orders_store.dump() == before


def test_an_order_that_was_renewed_just_now_stays(
    function: Make, orders: Function, orders_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = placed(function, orders_store, ago=-OVERDUE)
    monkeypatch.setattr(repository, "overdue", lambda _: [order["id"]])
    assert swept(orders) == 0
    assert last(orders_store)["status"] == "created"


def test_an_order_that_cannot_be_expired_holds_up_no_other(
    function: Make, orders: Function, orders_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, free = (placed(function, orders_store, ago=OVERDUE) for _ in range(2))
    update = repository.update

    def failing(order_id: str, *given: Any) -> object:  # noqa: ANN401 - as `update` has them
        if order_id == stuck["id"]:
            raise PyMongoError
        return update(order_id, *given)

    monkeypatch.setattr(repository, "update", failing)
    assert swept(orders) == 1
    statuses = {str(row["_id"]): row["status"] for row in orders_store["orders"].find()}
    assert statuses == {stuck["id"]: "created", free["id"]: "cancelled"}
