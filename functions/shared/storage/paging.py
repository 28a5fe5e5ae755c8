"""Pages of a collection, in the order of ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from bson import ObjectId
from pymongo.collection import Collection

Row = TypeVar("Row", bound=Mapping[str, Any])


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for: `limit` items whose ids come after `after`."""

    limit: int
    after: str | None


def find_page(rows: Collection[Row], query: Mapping[str, object], page: Page) -> list[Row]:
    """Return the page's rows among those that match, and one more if there are more."""
    after = {"_id": {"$gt": ObjectId(page.after)}} if page.after else {}
    return list(rows.find({**query, **after}).sort("_id").limit(page.limit + 1))
