"""tickets-create: POST /api/tickets."""

import pytest
from werkzeug.test import TestResponse

from functions.tickets.search import prefixes
from tests.functions import prices
from tests.functions.harness import TRACE, Function, Make, Store, User, assert_event, refusal, said

TITLE_MISSING = ("title", "Title is required")
SELLER = User("seller@example.com")


@pytest.fixture
def create(function: Make) -> Function:
    return function("tickets-create")


def offer(create: Function, title: object = "Jazz night", price: object = 20) -> TestResponse:
    return create.call("POST", "/api/tickets", json={"title": title, "price": price}, user=SELLER)


def test_creates_a_ticket_with_valid_inputs(create: Function, tickets_store: Store) -> None:
    status, body = said(offer(create, " Jazz night ", "20.00"))
    [row] = tickets_store["tickets"].find()
    ticket = {"id": str(row["_id"]), "version": 0, "title": "Jazz night", "price": 20.0, "userId": SELLER.id}
    assert (status, body) == (201, ticket)
    stored = {"_id": row["_id"], "userId": SELLER.id, "title": "Jazz night", "priceCents": 2000, "version": 0}
    assert row == stored | {"prefixes": prefixes("Jazz night"), "sold": False}


def test_publishes_a_ticket_created_event(create: Function, tickets_store: Store) -> None:
    ticket = offer(create).json or {}
    [event] = tickets_store.events()
    assert_event(event, "ticket.created", ticket["id"], ticket)


def test_carries_the_trace_of_its_caller_into_the_event(create: Function, tickets_store: Store) -> None:
    body = {"title": "Jazz night", "price": 20}
    create.call("POST", json=body, user=SELLER, headers={"traceparent": TRACE})
    assert tickets_store.events()[0]["traceparent"] == TRACE


@pytest.mark.parametrize("malformed", ["", "00-0-0-00", TRACE.upper(), TRACE + "-x", TRACE.replace("4", "\u0664")])
def test_starts_a_trace_of_its_own_instead_of_a_malformed_one(
    create: Function, tickets_store: Store, malformed: str
) -> None:
    headers = {"traceparent": malformed.encode().decode("latin-1")}
    response = create.call("POST", json={"title": "Jazz night", "price": 20}, user=SELLER, headers=headers)
    assert_event(tickets_store.events()[0], "ticket.created", (response.json or {})["id"], response.json or {})


@pytest.mark.parametrize("title", [None, "", " \t\n", "\u2003", 5, True, ["Jazz"], {"$ne": ""}])
def test_returns_an_error_if_an_invalid_title_is_provided(
    create: Function, tickets_store: Store, title: object
) -> None:
    assert said(offer(create, title)) == refusal(400, TITLE_MISSING)
    assert tickets_store.dump() == {}


def test_returns_an_error_if_the_title_is_over_200_characters(create: Function, tickets_store: Store) -> None:
    problem = ("title", "Title must be at most 200 characters")
    assert said(offer(create, "x" * 201)) == refusal(400, problem)
    assert tickets_store.dump() == {}


@pytest.mark.parametrize("title", ["x" * 200, "\U0001f3b7 Jazz à Vienne", "<b>Jazz</b>", "a\0b", "$where", "'\"\\"])
def test_keeps_any_other_title_as_it_is(create: Function, tickets_store: Store, title: str) -> None:
    assert (offer(create, title).json or {})["title"] == title
    assert [row["title"] for row in tickets_store["tickets"].find()] == [title]


@pytest.mark.parametrize(("price", "problem"), prices.BAD.items(), ids=[text[:20] for text in prices.BAD])
def test_returns_an_error_if_an_invalid_price_is_provided(
    create: Function, tickets_store: Store, price: str, problem: tuple[str, str]
) -> None:
    body = f'{{"title": "Jazz night", "price": {price}}}'
    response = create.call("POST", data=body, content_type="application/json", user=SELLER)
    assert said(response) == refusal(400, problem)
    assert tickets_store.dump() == {}


@pytest.mark.parametrize(("price", "cents"), prices.GOOD.items(), ids=[text[:20] for text in prices.GOOD])
def test_keeps_a_valid_price_in_cents(create: Function, tickets_store: Store, price: str, cents: int) -> None:
    body = f'{{"title": "Jazz night", "price": {price}}}'
    response = create.call("POST", data=body, content_type="application/json", user=SELLER)
    assert (response.json or {})["price"] == cents / 100
    assert [row["priceCents"] for row in tickets_store["tickets"].find()] == [cents]


def test_names_a_bad_title_and_a_bad_price_at_once(create: Function) -> None:
    assert said(offer(create, "", 0)) == refusal(400, TITLE_MISSING, prices.ZERO)


def test_sells_for_the_user_who_is_signed_in_even_if_the_body_names_another(create: Function) -> None:
    body = {"title": "Jazz night", "price": 20, "userId": "0" * 24, "version": 7, "orderId": "0" * 24, "id": "0" * 24}
    ticket = create.call("POST", json=body, user=SELLER).json or {}
    assert (ticket["userId"], ticket["version"], "orderId" in ticket) == (SELLER.id, 0, False)
    assert ticket["id"] != "0" * 24
