"""orders-create: POST /api/orders."""

from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from werkzeug.test import TestResponse

from tests.functions.harness import Function, Make, Store, User, assert_event, event, new_id, refusal, said
from tests.functions.scenes import place, replicate, show, ticket_state

BUYER = User()
RESERVED = refusal(400, "Ticket is already reserved")


@pytest.fixture
def create(function: Make) -> Function:
    return function("orders-create")


def order(create: Function, ticket_id: object, user: User = BUYER) -> TestResponse:
    return create.call("POST", "/api/orders", json={"ticketId": ticket_id}, user=user)


def test_reserves_a_ticket(function: Make, create: Function, orders_store: Store) -> None:
    ticket = replicate(function, title="Jazz night", price=19.99, version=3)
    status, body = said(order(create, ticket["id"]))
    [row] = orders_store["orders"].find()
    expires_at = row["expiresAt"].isoformat().replace("+00:00", "Z")
    assert (status, body) == (201, {
        "id": str(row["_id"]), "version": 0, "status": "created", "userId": BUYER.id, "expiresAt": expires_at,
        "ticket": {"id": ticket["id"], "title": "Jazz night", "price": 19.99},
    })  # fmt: skip
    snapshot = {"id": ticket["id"], "version": 3, "title": "Jazz night", "priceCents": 1999}
    stored = {"userId": BUYER.id, "status": "created", "ticket": snapshot, "version": 0}
    assert {name: row[name] for name in stored} == stored


def test_emits_an_order_created_event(function: Make, create: Function, orders_store: Store) -> None:
    made = order(create, replicate(function)["id"]).json or {}
    [published] = orders_store.events()
    assert_event(published, "order.created", made["id"], made)


@pytest.mark.parametrize(("window", "minutes"), [({}, 15), ({"EXPIRATION_WINDOW_SECONDS": "90"}, 1.5)])
def test_expires_after_the_window(function: Make, window: dict[str, str], minutes: float) -> None:
    earliest = datetime.now(UTC) + timedelta(minutes=minutes, milliseconds=-1)
    expires_at = datetime.fromisoformat(place(function, BUYER, **window)["expiresAt"])
    assert earliest <= expires_at <= datetime.now(UTC) + timedelta(minutes=minutes)


def test_returns_an_error_if_the_ticket_does_not_exist(create: Function, orders_store: Store) -> None:
    assert said(order(create, new_id())) == refusal(404, "Not Found")
    assert orders_store.dump() == {}


def test_returns_an_error_if_the_ticket_was_deleted(function: Make, create: Function, orders_store: Store) -> None:
    ticket = replicate(function)
    tombstone = {"id": ticket["id"], "version": 1}
    function("orders-replicate-ticket").deliver(event("ticket.deleted", "tickets", tombstone))
    before = orders_store.dump()
    assert said(order(create, ticket["id"])) == refusal(404, "Not Found")
    assert orders_store.dump() == before


@pytest.mark.parametrize("status", ["created", "awaiting:payment", "complete"])
def test_returns_an_error_if_the_ticket_is_already_reserved(
    function: Make, create: Function, orders_store: Store, status: str
) -> None:
    first = place(function, User())
    orders_store["orders"].update_one({"_id": ObjectId(first["id"])}, {"$set": {"status": status}})
    before = orders_store.dump()
    assert said(order(create, first["ticket"]["id"])) == RESERVED
    assert orders_store.dump() == before


def test_refuses_a_second_order_of_the_same_buyer_too(function: Make, create: Function) -> None:
    first = place(function, BUYER)
    assert said(order(create, first["ticket"]["id"])) == RESERVED


def test_reserves_a_ticket_again_after_its_order_was_cancelled(function: Make, create: Function) -> None:
    first = place(function, BUYER)
    function("orders-cancel").call("DELETE", f"/api/orders/{first['id']}", user=BUYER)
    assert order(create, first["ticket"]["id"]).status_code == 201


def test_goes_by_its_own_orders_and_not_by_what_the_replica_says(function: Make, create: Function) -> None:
    ticket = replicate(function, orderId=new_id(), version=1)
    assert order(create, ticket["id"]).status_code == 201


@pytest.mark.parametrize(
    "ticket_id", [None, "", "1", "x" * 24, "0" * 23, "0" * 25, "0" * 24 + "\n", 5, True, ["0" * 24], {"$ne": None}]
)
def test_returns_a_400_if_the_ticket_id_is_missing_or_malformed(
    create: Function, orders_store: Store, ticket_id: object
) -> None:
    assert said(order(create, ticket_id)) == refusal(400, ("ticketId", "TicketId must be provided"))
    assert orders_store.dump() == {}


def test_takes_an_id_in_capitals(function: Make, create: Function) -> None:
    ticket = replicate(function)
    assert (order(create, ticket["id"].upper()).json or {})["ticket"]["id"] == ticket["id"]


def test_keeps_title_and_price_as_they_stood(function: Make, create: Function) -> None:
    ticket = replicate(function)
    made = order(create, ticket["id"]).json or {}
    replicate(function, **ticket_state(id=ticket["id"], version=1, title="Blues", price=99.0))
    assert show(function, made["id"], BUYER) == made


@pytest.mark.parametrize("price", [20, "20.00", 20.0])
def test_takes_the_price_that_the_buyer_saw(function: Make, create: Function, price: object) -> None:
    body = {"ticketId": replicate(function, price=20.0)["id"], "price": price}
    assert create.call("POST", json=body, user=BUYER).status_code == 201


def test_refuses_an_order_at_another_price(function: Make, create: Function, orders_store: Store) -> None:
    body = {"ticketId": replicate(function, price=20.0)["id"], "price": 19.99}
    assert said(create.call("POST", json=body, user=BUYER)) == refusal(409, "Price has changed")
    assert orders_store.events() == []


def test_refuses_a_price_that_is_not_one(function: Make, create: Function) -> None:
    body = {"ticketId": replicate(function)["id"], "price": "cheap"}
    assert said(create.call("POST", json=body, user=BUYER)) == refusal(400, ("price", "Price must be greater than 0"))
