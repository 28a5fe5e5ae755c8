"""Lists in pages: limit, cursor, and the Link header that names the next page."""

import re
from collections.abc import Iterator

import pytest

from tests.functions.harness import Document, Function, Make, User, refusal, said
from tests.functions.scenes import offer, place

BUYER = User()
BAD_LIMIT = ("limit", "Limit must be between 1 and 100")
BAD_CURSOR = ("cursor", "Cursor must be one that a Link header named")


@pytest.fixture(params=["tickets", "orders"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def listing(function: Make, kind: str) -> Function:
    return function(f"{kind}-list")


def fill(function: Make, kind: str, count: int) -> list[Document]:
    """Items in the order of their list: tickets newest first, orders oldest first."""
    if kind == "tickets":
        return [offer(function) for _ in range(count)][::-1]
    return [place(function, BUYER, RESERVATIONS_PER_BUYER="100") for _ in range(count)]


def pages(lists: Function, path: str) -> Iterator[list[Document]]:
    """Every page, found as a client would: by following the links."""
    while path:
        response = lists.call("GET", path, user=BUYER)
        assert response.status_code == 200
        yield response.json or []
        link = re.fullmatch('<([^>]+)>; rel="next"', response.headers.get("Link", ""))
        path = link[1] if link else ""


def test_a_page_holds_50_unless_another_limit_is_asked_for(function: Make, kind: str) -> None:
    everything = fill(function, kind, 51)
    assert list(pages(listing(function, kind), f"/api/{kind}")) == [everything[:50], everything[50:]]


def test_the_link_names_the_next_page(function: Make, kind: str) -> None:
    [_, second, _] = fill(function, kind, 3)
    response = listing(function, kind).call("GET", f"/api/{kind}?limit=2", user=BUYER)
    assert response.headers["Link"] == f'</api/{kind}?limit=2&cursor={second["id"]}>; rel="next"'


def test_the_link_keeps_all_other_parameters(function: Make, kind: str) -> None:
    fill(function, kind, 3)
    path = f"/api/{kind}?note=jazz%20pari%26%23&limit=1&tag=a&tag=b%0D%0A"
    for _ in range(2):
        link = listing(function, kind).call("GET", path, user=BUYER).headers["Link"]
        following = f"/api/{kind}\\?note=jazz\\+pari%26%23&tag=a&tag=b%0D%0A&limit=1&cursor=[0-9a-f]{{24}}"
        found = re.fullmatch(f'<({following})>; rel="next"', link)
        assert found, link
        path = found[1]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_following_the_links_shows_everything_once(function: Make, kind: str, limit: int) -> None:
    everything = fill(function, kind, 5)
    found = list(pages(listing(function, kind), f"/api/{kind}?limit={limit}"))
    assert found == [everything[start : start + limit] for start in range(0, 5, limit)]


def test_a_full_last_page_names_no_next_one(function: Make, kind: str) -> None:
    fill(function, kind, 2)
    assert "Link" not in listing(function, kind).call("GET", f"/api/{kind}?limit=2", user=BUYER).headers


def test_what_is_new_while_paging_moves_nothing(function: Make, kind: str) -> None:
    """A new order comes on a later page; a new ticket would be on the first one, which was shown already."""
    following = pages(listing(function, kind), f"/api/{kind}?limit=2")
    old = fill(function, kind, 3)
    found = list(next(following))
    new = fill(function, kind, 1)
    assert found + [item for page in following for item in page] == old + (new if kind == "orders" else [])


def test_a_cursor_beyond_the_end_finds_an_empty_page(function: Make, kind: str) -> None:
    fill(function, kind, 1)
    end = {"orders": "f" * 24, "tickets": "0" * 24}[kind]
    assert said(listing(function, kind).call("GET", f"/?cursor={end}", user=BUYER)) == (200, [])


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "1e1", "abc", "", "+5", " 5", "\u0665", "9" * 5000, "[]"])
def test_a_bad_limit_is_refused(function: Make, kind: str, limit: str) -> None:
    response = listing(function, kind).call("GET", query_string={"limit": limit}, user=BUYER)
    assert said(response) == refusal(400, BAD_LIMIT)


@pytest.mark.parametrize("cursor", ["1", "", "x" * 24, "0" * 25, "f" * 24 + "\n", "\0", "$gt"])
def test_a_bad_cursor_is_refused(function: Make, kind: str, cursor: str) -> None:
    response = listing(function, kind).call("GET", query_string={"cursor": cursor}, user=BUYER)
    assert said(response) == refusal(400, BAD_CURSOR)


def test_a_bad_limit_and_a_bad_cursor_are_told_at_once(function: Make, kind: str) -> None:
    response = listing(function, kind).call("GET", query_string="limit=%ff&cursor=%ff", user=BUYER)
    assert said(response) == refusal(400, BAD_LIMIT, BAD_CURSOR)


def test_a_path_cannot_write_headers(function: Make, kind: str) -> None:
    fill(function, kind, 2)
    path = "/a%20%22%3E%C3%A9%F0%9F%8E%B7?limit=1"
    response = listing(function, kind).call("GET", path, user=BUYER)
    assert response.headers["Link"].startswith("</a%20%22%3E%C3%A9%F0%9F%8E%B7?limit=1&cursor=")
