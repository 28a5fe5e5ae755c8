"""Lists find theirs by an index that serves filter and order, on the first page and on the next.

The plans are SecantusDB's, which sorts after the scan all the same; MongoDB takes the order from the index.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from functions.shared.storage import database
from tests.functions.harness import Document, Make, User

LISTS = [("tickets-list", ["orderId", "_id"]), ("orders-list", ["userId", "_id"])]
PAGES = ["/", "/?cursor=6b072a96f46d83296fabd445"]


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


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("name", "key"), LISTS)
def test_an_index_serves_filter_and_order(
    function: Make, monkeypatch: pytest.MonkeyPatch, name: str, key: list[str], page: str
) -> None:
    finds, listing = Finds(), function(name)
    with MongoClient[Document](listing.environment["MONGO_URI"], event_listeners=[finds]) as client:
        db = client.get_default_database()
        monkeypatch.setitem(database._databases, listing.environment["MONGO_URI"], db)
        assert listing.call("GET", page, user=User()).status_code == 200
        [find] = finds.seen
        asked = {name: find[name] for name in ("find", "filter", "sort", "limit")}
        plan = db.command("explain", asked, verbosity="queryPlanner")["queryPlanner"]["winningPlan"]

    # One value of the first field, and the order of the rest: so the index is read in the list's own order.
    first, *rest = key
    assert not isinstance(asked["filter"][first], dict)
    assert asked["filter"].keys() <= set(key)
    assert list(asked["sort"]) == rest
    [scan] = [stage for stage in stages(plan) if stage["stage"] == "IXSCAN"]
    assert list(scan["keyPattern"]) == key


def stages(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's stages, the last one first."""
    yield plan
    if "inputStage" in plan:
        yield from stages(plan["inputStage"])
