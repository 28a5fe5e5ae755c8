"""Lists in pages: `limit` and `cursor` in, a plain array and a `Link: …; rel="next"` header out (RFC 8288)."""

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import quote, urlencode

from flask import Request

from functions.shared.errors import InvalidField
from functions.shared.ids import parse_id
from functions.shared.storage.paging import Page
from functions.shared.web.body import Fields
from functions.shared.web.http import Response, ok

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 100


class Identified(Protocol):
    """An item of a list: lists are in the order of ids."""

    @property
    def id(self) -> str:
        """The item's id."""


def requested_page(request: Request) -> Page:
    """Read the page that the query string asks for.

    Raises:
        InvalidFields: limit or cursor is malformed.
    """
    with Fields(request.args) as query:
        return Page(query.read("limit", _limit), query.read("cursor", _cursor))


def page_response(request: Request, page: Page, found: Sequence[Identified]) -> Response:
    """Return 200 with the page, and a link to the next one if `found` has an item beyond the limit.

    The link has all other parameters of the query as they were sent.
    """
    items = found[: page.limit]
    if len(found) <= page.limit:
        return ok(items)
    following = {"limit": str(page.limit), "cursor": items[-1].id}
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in following]
    query = urlencode(kept + list(following.items()))
    return ok(items, Link=f'<{quote(request.path)}?{query}>; rel="next"')


def _limit(value: object) -> int:
    if value is None:
        return DEFAULT_LIMIT
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(LARGEST_LIMIT)):
        limit = int(value)
        if 1 <= limit <= LARGEST_LIMIT:
            return limit
    raise InvalidField(f"Limit must be between 1 and {LARGEST_LIMIT}")


def _cursor(value: object) -> str | None:
    if value is None:
        return None
    if (found := parse_id(value)) is None:
        raise InvalidField("Cursor must be one that a Link header named")
    return found
