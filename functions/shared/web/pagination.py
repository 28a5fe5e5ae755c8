"""Lists in pages: `limit` and `cursor` in, a plain array and a `Link: …; rel="next"` header out (RFC 8288)."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode

from flask import Request

from functions.shared.errors import InvalidField
from functions.shared.ids import parse_id
from functions.shared.storage.paging import Page
from functions.shared.web.body import Fields
from functions.shared.web.http import Response, ok

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
NEWEST = "newest"


Item = TypeVar("Item")


def requested_page(request: Request) -> Page:
    """Read the page that the query string asks for, of a list in the order of ids; `sort=newest` turns that round.

    Raises:
        InvalidFields: limit, cursor or sort is malformed.
    """
    with Fields(request.args) as query:
        return Page(
            query.read("limit", parse_limit), query.read("cursor", _cursor), query.read("sort", _is_newest_first)
        )


def page_response(
    request: Request,
    limit: int,
    found: Sequence[Item],
    cursor: Callable[[Item], str],
    show: Callable[[Item], object],
) -> Response:
    """Return 200 with at most `limit` items as `show` makes them, and a link to the next page if `found` has one more.

    The link has the `cursor` of the last item, and all other parameters of the query as they were sent.
    """
    items = found[:limit]
    shown = [show(item) for item in items]
    if len(found) <= limit:
        return ok(shown)
    following = {"limit": str(limit), "cursor": cursor(items[-1])}
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in following]
    query = urlencode(kept + list(following.items()))
    return ok(shown, Link=f'<{quote(request.path)}?{query}>; rel="next"')


def parse_limit(value: object) -> int:
    """Return the most items that a page may have."""
    if value is None:
        return DEFAULT_LIMIT
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(MAX_LIMIT)):
        limit = int(value)
        if 1 <= limit <= MAX_LIMIT:
            return limit
    raise InvalidField(f"Limit must be between 1 and {MAX_LIMIT}")


def _cursor(value: object) -> str | None:
    if value is None:
        return None
    if (found := parse_id(value)) is None:
        raise InvalidField("Cursor must be one that a Link header named")
    return found


def _is_newest_first(value: object) -> bool:
    if value not in (None, NEWEST):
        raise InvalidField(f"Sort must be {NEWEST}, or left out for the oldest first")
    return value == NEWEST
