"""Rows that are needed for a while only: when they become final, that they end, and what late events revive."""

from datetime import timedelta

import pytest
from bson import ObjectId

from functions.shared.clock import now
from functions.shared.storage.retention import RETENTION
from tests.eventually import eventually
from tests.functions.harness import Document, Make, Store, event, migrate, new_id
from tests.functions.payment_scenario import PaymentScenario
from tests.functions.scenes import offer, order_state, replicate, reserve, ticket_state

TIME_TO_LIVE_SECONDS = 180  # databases look once a minute for rows that have ended
ENDED, NOT_YET = RETENTION + timedelta(minutes=5), RETENTION - timedelta(hours=1)


def deliver_order(function: Make, name: str, order: Document) -> None:
    told = order | {"reason": "expired"} if name == "cancelled" else order
    response = function("tickets-replicate-order").deliver(event(f"order.{name}", "orders", told))
    assert response.status_code == 204


def deliver_ticket(function: Make, name: str, ticket: Document) -> None:
    response = function("orders-replicate-ticket").deliver(event(f"ticket.{name}", "tickets", ticket))
    assert response.status_code == 204


def is_final(store: Store, collection: str, row_id: object) -> bool:
    row = store[collection].find_one({"_id": ObjectId(str(row_id))})
    assert row
    return "finalAt" in row


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("created", "awaiting:payment", False),
        ("completed", "complete", True),
        ("cancelled", "cancelled", True),
    ],
)
def test_a_reservation_is_final_once_its_order_is_paid_or_cancelled(
    function: Make, tickets_store: Store, name: str, status: str, *, expected: bool
) -> None:
    order = reserve(function, offer(function))
    assert not is_final(tickets_store, "reservations", order["id"])
    deliver_order(function, name, order | {"version": 1, "status": status})
    assert is_final(tickets_store, "reservations", order["id"]) == expected


def test_a_sold_ticket_stays_sold_when_its_reservation_has_ended(function: Make, tickets_store: Store) -> None:
    """Even if another order's event is later than any can be."""
    ticket = offer(function)
    late = order_state(ticket)
    order = reserve(function, ticket)
    deliver_order(function, "completed", order | {"version": 1, "status": "complete"})
    tickets_store["reservations"].delete_many({})
    for version, name, status in ((0, "created", "created"), (1, "cancelled", "cancelled")):
        deliver_order(function, name, late | {"version": version, "status": status})
    row = tickets_store["tickets"].find_one()
    assert row
    assert (row["orderId"], row["sold"]) == (order["id"], True)


def test_a_sold_ticket_is_released_if_its_order_ends_after_all(function: Make, tickets_store: Store) -> None:
    ticket = offer(function)
    order = reserve(function, ticket)
    deliver_order(function, "completed", order | {"version": 1, "status": "complete"})
    tickets_store["reservations"].delete_many({})
    deliver_order(function, "cancelled", order | {"version": 2, "status": "cancelled"})
    assert "orderId" not in (tickets_store["tickets"].find_one() or {"orderId": ""})


def test_a_tombstone_is_final_and_a_late_event_revives_nothing(function: Make, orders_store: Store) -> None:
    ticket = replicate(function)
    assert not is_final(orders_store, "tickets", ticket["id"])
    deliver_ticket(function, "deleted", {"id": ticket["id"], "version": 2})
    deliver_ticket(function, "updated", ticket | {"version": 1})
    assert is_final(orders_store, "tickets", ticket["id"])


def test_payments_keep_an_order_that_has_a_payment_and_no_other_that_is_cancelled(
    scenario: PaymentScenario, function: Make, payments_store: Store
) -> None:
    abandoned = order_state(ticket_state(), status="cancelled", version=1, reason="expired")
    assert (
        function("payments-replicate-order").deliver(event("order.cancelled", "orders", abandoned)).status_code == 204
    )
    scenario.pay()
    scenario.cancel()
    final = [str(row["_id"]) for row in payments_store["orders"].find({"finalAt": {"$exists": True}})]
    assert final == [abandoned["id"]]


def test_an_order_whose_payment_began_as_it_was_cancelled_is_kept(
    scenario: PaymentScenario, payments_store: Store
) -> None:
    """The payment was not to be seen yet when the order's cancellation was stored."""
    scenario.pay()
    payments_store["orders"].update_one({}, {"$set": {"finalAt": now()}})
    payments_store["payments"].update_one({}, {"$set": {"status": "pending"}})
    scenario.settle()
    assert payments_store["orders"].count_documents({"finalAt": {"$exists": True}}) == 0


@pytest.mark.usefixtures("function")
def test_rows_of_an_earlier_version_end_too(tickets_store: Store, orders_store: Store, payments_store: Store) -> None:
    ticket_id = new_id()
    reservation = {"ticketId": ticket_id, "version": 1}
    rows: list[Document] = [
        {"live": False},
        {"live": True, "paid": True},
        {"live": True, "paid": False},
    ]
    tickets_store["reservations"].insert_many([reservation | row for row in rows])
    orders_store["tickets"].insert_many([{"version": 1, "deleted": True}, {"version": 1, "title": "Jazz"}])
    orders = [{"_id": ObjectId(), "status": status, "version": 1} for status in ("cancelled", "cancelled", "complete")]
    payments_store["orders"].insert_many(orders)
    payments_store["payments"].insert_one({"orderId": str(orders[0]["_id"])})
    marked = {"finalAt": {"$exists": True}}
    for store, service in ((tickets_store, "tickets"), (orders_store, "orders"), (payments_store, "payments")):
        migrate(service, store.uri)
    assert tickets_store["reservations"].count_documents(marked) == 2
    assert [row["deleted"] for row in orders_store["tickets"].find(marked)] == [True]
    assert [row["_id"] for row in payments_store["orders"].find(marked)] == [orders[1]["_id"]]


@pytest.mark.slow
@pytest.mark.usefixtures("function")
def test_a_row_ends_after_its_time_and_not_before(
    tickets_store: Store, orders_store: Store, payments_store: Store
) -> None:
    ages = {"ended": ENDED, "not yet": NOT_YET}
    collections = (tickets_store["reservations"], orders_store["tickets"], payments_store["orders"])
    for rows in collections:
        rows.insert_many([{"name": name, "version": 1, "finalAt": now() - age} for name, age in ages.items()])
        rows.insert_one({"name": "live", "version": 1})
    eventually(
        lambda: [{row["name"] for row in rows.find()} for rows in collections] == [{"not yet", "live"}] * 3,
        TIME_TO_LIVE_SECONDS,
    )
