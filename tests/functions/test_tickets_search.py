"""tickets-list: search by words and price, order, and the caller's own tickets."""

import re
from collections.abc import Iterator

import pytest
from bson import ObjectId

from tests.functions.harness import Document, Function, Make, Store, User, event, migrate, refusal, said
from tests.functions.scenes import offer, order_state, reserve

SELLER = User("seller@example.com")
PRICE = "Price must be an amount in dollars, such as 20 or 19.99"
CURSOR = ("cursor", "Cursor must be one that a Link header named")


@pytest.fixture
def search(function: Make) -> Function:
    return function("tickets-list")


def titles(search: Function, /, user: User | None = None, **query: str) -> list[str]:
    status, found = said(search.call("GET", "/api/tickets", query_string=query, user=user))
    assert status == 200, found
    assert isinstance(found, list)
    return [str(ticket["title"]) for ticket in found]


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("jazz", True), ("JAZZ", True), ("ja", True), ("jazz pari", True), ("paris jazz", True), ("à", True),
        ("a paris", True), ("cafe", True), ("café", True), ("  jazz  ", True), ("jazz-night", False), ("azz", False),
        ("jazzy", False), ("jazz rome", False), ("strasse", True), ("STRASSE", True), ("2027", True), ("", True),
        ("!?", True), (".*", True), ("jazz .*", True), ("\x00", True),
    ],
)  # fmt: skip
def test_each_word_begins_one_of_the_titles(function: Make, search: Function, query: str, *, is_found: bool) -> None:
    title = "Jazz à Paris: Café Straße 2027"
    offer(function, title=title)
    assert titles(search, q=query) == ([title] if is_found else [])


def test_words_that_are_long_are_found_too(function: Make, search: Function) -> None:
    offer(function, title="Donaudampfschifffahrtsgesellschaft")
    assert titles(search, q="donaudampfschifffahrtsgesell") == ["Donaudampfschifffahrtsgesellschaft"]


def test_a_ticket_of_version_0_1_is_found_once_it_is_migrated(
    function: Make, search: Function, tickets_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows of that version have no prefixes."""
    ticket = offer(function, title="Jazz")
    tickets_store["tickets"].update_one({"_id": ObjectId(ticket["id"])}, {"$unset": {"prefixes": "", "sold": ""}})
    assert titles(search, q="jazz") == []
    for count in (1, 0):
        migrate("tickets", tickets_store.uri)
        assert f'"migration":"tickets have prefixes","rows":{count}' in capsys.readouterr().out
    assert titles(search, q="jazz") == ["Jazz"]
    assert function("tickets-show").call("GET", f"/{ticket['id']}").json == ticket


@pytest.mark.parametrize(("version", "status"), [(0, "reserved"), (2, "sold")])
def test_a_ticket_that_version_0_1_sold_is_shown_as_sold_once_it_is_migrated(
    function: Make, search: Function, tickets_store: Store, version: int, status: str
) -> None:
    """Rows of that version do not tell that an order is paid: only complete ones came a second time and stayed live."""
    ticket, order = offer(function, SELLER, "Jazz"), ObjectId()
    reservation = {"_id": order, "ticketId": ticket["id"], "version": version, "live": True}
    tickets_store["reservations"].insert_one(reservation)
    old = {"$set": {"orderId": str(order)}, "$unset": {"prefixes": "", "sold": ""}}
    tickets_store["tickets"].update_one({"_id": ObjectId(ticket["id"])}, old)
    for _ in range(2):
        migrate("tickets", tickets_store.uri)
    [shown] = search.call("GET", "/?seller=me", user=SELLER).get_json()
    assert shown["status"] == status


def test_an_edited_ticket_is_found_by_its_new_title(function: Make, search: Function) -> None:
    ticket = offer(function, SELLER, "Jazz")
    function("tickets-update").call("PUT", f"/{ticket['id']}", json={"title": "Blues", "price": 20}, user=SELLER)
    assert (titles(search, q="jazz"), titles(search, q="blu")) == ([], ["Blues"])


@pytest.fixture
def priced(function: Make) -> list[Document]:
    return [offer(function, title=title, price=price) for title, price in PRICED]


PRICED = [("a", 20), ("b", "10.50"), ("c", 30), ("d", 20)]


@pytest.mark.usefixtures("priced")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "dcba"),
        ({"sort": "newest"}, "dcba"),
        ({"sort": "price"}, "badc"),
        ({"sort": "-price"}, "cdab"),
        ({"minPrice": "20"}, "dca"),
        ({"minPrice": "20."}, "dca"),
        ({"maxPrice": ".5"}, ""),
        ({"maxPrice": "20.00"}, "dba"),
        ({"minPrice": "10.5", "maxPrice": "10.50"}, "b"),
        ({"minPrice": "0", "maxPrice": "1"}, ""),
        ({"minPrice": "30", "maxPrice": "20"}, ""),
        ({"minPrice": "11", "sort": "-price", "q": "d"}, "d"),
    ],
)
def test_price_and_order(search: Function, query: dict[str, str], expected: str) -> None:
    assert "".join(titles(search, None, **query)) == expected


@pytest.mark.usefixtures("priced")
@pytest.mark.parametrize("sort", ["newest", "price", "-price"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_every_order_can_be_paged_through(search: Function, sort: str, limit: int) -> None:
    """The link keeps the rest of the query."""
    pages = list(paged(search, f"/api/tickets?sort={sort}&minPrice=15&limit={limit}"))
    assert [title for page in pages for title in page] == [t for t in titles(search, sort=sort) if t != "b"]
    assert [len(page) for page in pages] == [min(limit, 3 - start) for start in range(0, 3, limit)]


def paged(search: Function, path: str) -> Iterator[list[str]]:
    while path:
        response = search.call("GET", path)
        yield [str(ticket["title"]) for ticket in response.json or []]
        link = re.fullmatch('<([^>]+)>; rel="next"', response.headers.get("Link", ""))
        path = link[1] if link else ""


def test_a_sellers_own_tickets_have_their_status(function: Make, search: Function) -> None:
    offer(function, User("other@example.com"), "another's")
    free, held, sold = (offer(function, SELLER, title) for title in ("free", "held", "sold"))
    reserve(function, held)
    order = reserve(function, sold)
    complete = order_state(sold, id=order["id"], version=1, status="complete")
    function("tickets-replicate-order").deliver(event("order.completed", "orders", complete))

    status, found = said(search.call("GET", "/api/tickets?seller=me", user=SELLER))
    assert status == 200
    assert isinstance(found, list)
    assert [(ticket["title"], ticket["status"]) for ticket in found] == [
        ("sold", "sold"),
        ("held", "reserved"),
        ("free", "available"),
    ]
    assert found[2] == free | {"status": "available"}
    assert titles(search, SELLER, seller="me", q="he") == ["held"]


def test_being_paid_changes_no_version_that_others_see(function: Make) -> None:
    ticket = offer(function, SELLER)
    order = reserve(function, ticket)
    shown = function("tickets-show").call("GET", f"/{ticket['id']}").json
    complete = order_state(ticket, id=order["id"], version=1, status="complete")
    function("tickets-replicate-order").deliver(event("order.completed", "orders", complete))
    assert function("tickets-show").call("GET", f"/{ticket['id']}").json == shown


def test_ones_own_tickets_need_a_session(search: Function) -> None:
    assert said(search.call("GET", "/api/tickets?seller=me&limit=0")) == refusal(401, "Not authorized")


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"q": "x" * 201}, ("q", "Query must be at most 200 characters")),
        ({"minPrice": "-1"}, ("minPrice", PRICE)),
        ({"minPrice": ""}, ("minPrice", PRICE)),
        ({"minPrice": "."}, ("minPrice", PRICE)),
        ({"maxPrice": "1e3"}, ("maxPrice", PRICE)),
        ({"maxPrice": "19.999"}, ("maxPrice", PRICE)),
        ({"maxPrice": "٣"}, ("maxPrice", PRICE)),
        ({"sort": "title"}, ("sort", "Sort must be one of newest, price, -price")),
        ({"seller": "you"}, ("seller", "Seller must be me")),
        ({"cursor": "2000-" + "a" * 24}, CURSOR),
        ({"cursor": "a" * 24, "sort": "price"}, CURSOR),
        ({"cursor": "-1-" + "a" * 24, "sort": "price"}, CURSOR),
        ({"cursor": "99999999999-" + "a" * 24, "sort": "price"}, CURSOR),
    ],
)
def test_a_bad_parameter_is_named(search: Function, query: dict[str, str], problem: tuple[str, str]) -> None:
    assert said(search.call("GET", "/api/tickets", query_string=query)) == refusal(400, problem)


def test_all_bad_parameters_are_told_at_once(search: Function) -> None:
    query = {"minPrice": "x", "sort": "y", "limit": "0"}
    status, body = said(search.call("GET", "/api/tickets", query_string=query))
    assert isinstance(body, dict)
    assert (status, [error["field"] for error in body["errors"]]) == (400, ["minPrice", "sort", "limit"])
