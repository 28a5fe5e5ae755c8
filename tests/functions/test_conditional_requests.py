"""What a client has already is not sent again: ETag and If-None-Match on every GET."""

from tests.functions.harness import Make, User, said
from tests.functions.scenes import offer

SELLER = User()


def test_the_same_state_is_304_without_a_body(function: Make) -> None:
    offer(function, SELLER)
    lists = function("tickets-list")
    first = lists.call("GET", "/")
    again = lists.call("GET", "/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_another_state_is_sent_whole(function: Make) -> None:
    ticket = offer(function, SELLER)
    show = function("tickets-show")
    first = show.call("GET", f"/{ticket['id']}")
    function("tickets-update").call("PUT", f"/{ticket['id']}", json={"title": "Blues", "price": 9}, user=SELLER)
    again = show.call("GET", f"/{ticket['id']}", headers={"If-None-Match": first.headers["ETag"]})
    assert said(again) == (200, ticket | {"title": "Blues", "price": 9.0, "version": 1})


def test_no_shared_cache_keeps_it_and_a_browser_asks_each_time(function: Make) -> None:
    assert function("tickets-list").call("GET", "/").headers["Cache-Control"] == "private, no-cache"


def test_an_error_has_no_etag(function: Make) -> None:
    assert "ETag" not in function("tickets-show").call("GET", "/" + "f" * 24).headers
