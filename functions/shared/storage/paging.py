"""Pages of a collection, in the order of ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection

Row = TypeVar("Row", bound=Mapping[str, Any])


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for: `limit` items whose ids come after `after`, or before it, newest first."""

    limit: int
    after: str | None
    is_newest_first: bool = False


def find_page(rows: Collection[Row], query: Mapping[str, object], page: Page) -> list[Row]:
    """Return the page's rows among those that match, and one more if there are more."""
    beyond, direction = ("$lt", DESCENDING) if page.is_newest_first else ("$gt", ASCENDING)
    after = {"_id": {beyond: ObjectId(page.after)}} if page.after else {}
    return list(rows.find({**query, **after}).sort("_id", direction).limit(page.limit + 1))
