"""Lists find theirs by an index that serves filter and order, on the first page and on the next.

Judged by filter, order and index: SecantusDB, whose plans could be asked for, sorts after the scan all the same.
"""

import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from functions.shared.storage import database
from tests.functions.harness import Document, Make, User

AGE, PRICE = ["_id"], ["priceCents", "_id"]
Case = tuple[str, str, list[str], list[str]]  # function, query, fields with one value, fields of the order
LISTS: list[Case] = [
    ("tickets-list", "", ["orderId"], AGE),
    ("tickets-list", f"cursor={'6b072a96f46d83296fabd445'}", ["orderId"], AGE),
    ("tickets-list", "sort=price", ["orderId"], PRICE),
    ("tickets-list", "sort=-price&cursor=2000-6b072a96f46d83296fabd445", ["orderId"], PRICE),
    ("tickets-list", "sort=price&minPrice=10&maxPrice=20", ["orderId"], PRICE),
    ("tickets-list", "q=jaz&sort=price", ["orderId", "prefixes"], PRICE),
    ("tickets-list", "q=jaz+pari", ["orderId", "prefixes"], AGE),
    ("tickets-list", "seller=me", ["userId"], AGE),
    ("tickets-list", "seller=me&sort=price", ["userId"], PRICE),
    ("orders-list", "", ["userId"], AGE),
    ("orders-list", "cursor=6b072a96f46d83296fabd445", ["userId"], AGE),
    ("orders-list", "sort=newest&cursor=6b072a96f46d83296fabd445", ["userId"], AGE),
]


class Finds(CommandListener):
    """The finds that a client sends."""

    def __init__(self) -> None:
        self.seen: list[Document] = []

    def started(self, event: CommandStartedEvent) -> None:
        """Note it."""
        if event.command_name == "find":
            self.seen.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to note."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to note."""


@pytest.mark.parametrize("case", LISTS, ids=lambda case: f"{case[0]}?{case[1]}")
def test_an_index_serves_filter_and_order(function: Make, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    """There is one with a value for each field of `equal`, then the list's own order, so the database need not sort."""
    name, query, equal, order = case
    finds, listing = Finds(), function(name)
    with MongoClient[Document](listing.environment["MONGO_URI"], event_listeners=[finds]) as client:
        db = client.get_default_database()
        monkeypatch.setitem(database._databases, listing.environment["MONGO_URI"], db)
        assert listing.call("GET", f"/?{query}", user=User()).status_code == 200
        [find] = finds.seen
        indexes = [list(index["key"]) for index in db[find["find"]].list_indexes()]

    conditions = find["filter"].get("$and", [find["filter"]])
    for field in equal:
        assert any(field in condition and not isinstance(condition[field], dict) for condition in conditions)
    assert list(find["sort"]) == order
    assert len(set(find["sort"].values())) == 1
    assert [*equal, *order] in indexes
