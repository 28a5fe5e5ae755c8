"""Lists in pages: `limit` and `cursor` in, a plain array and a `Link: …; rel="next"` header out (RFC 8288)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlencode

from flask import Request

from functions.shared.errors import InvalidField
from functions.shared.ids import parse_id
from functions.shared.web.body import Fields
from functions.shared.web.http import Answer, ok

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 100


class Identified(Protocol):
    """An item of a list: lists are in the order of ids."""

    @property
    def id(self) -> str:
        """The item's id."""


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for: `limit` items whose ids come after `after`."""

    limit: int
    after: str | None


def page(request: Request) -> Page:
    """The page that the query string asks for.

    Raises:
        InvalidFields: limit or cursor is malformed.
    """
    with Fields(request.args) as query:
        return Page(query.read("limit", _limit), query.read("cursor", _cursor))


def answer(request: Request, asked: Page, found: Sequence[Identified]) -> Answer:
    """200 with the page, naming the next one if there is more: `found` holds one item beyond the limit then."""
    items = found[: asked.limit]
    if len(found) <= asked.limit:
        return ok(items)
    query = urlencode({"limit": asked.limit, "cursor": items[-1].id})
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
