"""A service's Job builds its indexes and changes its rows; functions refuse what an index must guarantee without it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pymongo import IndexModel

from functions.orders import repository
from functions.shared.storage import database, indexes, migration
from functions.shared.storage.database import Document, Documents
from functions.shared.storage.migration import Migration, pages
from local import manifests
from tests.eventually import eventually
from tests.functions.harness import Make, Store, User, at_once, migrate, process, refusal, said
from tests.functions.scenes import offer, place, replicate
from tests.properties.system import Time

UNIQUE = {"rows": [IndexModel("a", name="one_a", unique=True, partialFilterExpression={"live": True})]}
STRICTER = {"rows": [IndexModel("a", name="one_a", unique=True, partialFilterExpression={"live": {"$in": [True, 1]}})]}
OLD_ROWS = migration.PAGE + 50
AFTER_THE_ROLLOUT = migration.ROLLOUT + timedelta(seconds=1)


class Scratch:
    """A database of a test's own."""

    def __init__(self, uri: str) -> None:
        self.store = Store(uri)

    def migrate(self, declared: indexes.Indexes, *migrations: Migration) -> None:
        """Migrate it, as a version does that declares this."""
        with process({"MONGO_URI": self.store.uri, "K_SERVICE": "scratch"}):
            migration.migrate(declared, migrations)

    @property
    def indexes(self) -> dict[str, Document]:
        """The indexes of its rows by name."""
        return {
            index["name"]: index for index in indexes.listed(self.store.database, "rows") if index["name"] != "_id_"
        }


@pytest.fixture
def scratch(mongo_uri: str) -> Iterator[Scratch]:
    made = Scratch(mongo_uri)
    yield made
    made.store.close()
    if mongo_uri in database._databases:
        database._databases.pop(mongo_uri).client.close()


def test_a_changed_index_is_built_beside_the_old_one_which_goes_after_the_rollout(scratch: Scratch, time: Time) -> None:
    scratch.migrate(UNIQUE)
    scratch.store["rows"].insert_many({"a": number, "live": True} for number in range(100))
    scratch.migrate(STRICTER)
    scratch.migrate(STRICTER)
    old, new = scratch.indexes.values()
    assert (old["name"], new["name"].rpartition("_")[0]) == ("one_a", "one_a")
    time.passed += AFTER_THE_ROLLOUT
    scratch.migrate(STRICTER)
    assert [*scratch.indexes] == [new["name"]]
    assert scratch.store["migrations"].count_documents({}) == 0


def test_an_index_that_is_needed_again_stays(scratch: Scratch, time: Time) -> None:
    """As after a rollout that was undone: the earlier version, then the later one."""
    for declared in (UNIQUE, STRICTER, UNIQUE):
        scratch.migrate(declared)
    time.passed += AFTER_THE_ROLLOUT
    scratch.migrate(STRICTER)
    assert len(scratch.indexes) == 2


def test_another_lifetime_replaces_the_index(scratch: Scratch) -> None:
    for seconds in (60, 3600):
        scratch.migrate({"rows": [IndexModel("finalAt", name="ends", expireAfterSeconds=seconds)]})
    assert scratch.indexes["ends"]["expireAfterSeconds"] == 3600


def test_rows_that_break_a_guarantee_are_named(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    scratch.store["rows"].insert_many({"a": 1, "live": True} for _ in range(2))
    with pytest.raises(SystemExit), process({"MONGO_URI": scratch.store.uri, "K_SERVICE": "scratch"}):
        migration.run(UNIQUE)
    assert "index not built: rows break its guarantee" in capsys.readouterr().out


def test_several_migrations_at_once_end_as_one(scratch: Scratch) -> None:
    scratch.store["rows"].insert_many({"a": number, "live": True} for number in range(300))

    def double(db: Documents) -> int:
        old = {"b": {"$exists": False}}
        return sum(
            db["rows"].update_many({**old, "_id": row["_id"]}, {"$set": {"b": 1}}).modified_count
            for page in pages(db["rows"], old, ["a"])
            for row in page[:20]
        )

    runs = [threading.Thread(target=migration.migrate, args=(UNIQUE, [Migration("b", double)])) for _ in range(3)]
    with process({"MONGO_URI": scratch.store.uri, "K_SERVICE": "scratch"}):
        for run in runs:
            run.start()
        for run in runs:
            run.join()
    assert [*scratch.indexes] == ["one_a"]
    assert scratch.store["migrations"].count_documents({}) == 1


def test_a_migration_is_repeated_until_the_rollout_is_over(scratch: Scratch, time: Time) -> None:
    runs: list[None] = []

    def rewrite(_: Documents) -> int:
        runs.append(None)
        return 0

    for passed in (timedelta(0), timedelta(0), AFTER_THE_ROLLOUT, timedelta(0)):
        time.passed += passed
        scratch.migrate({}, Migration("repeated", rewrite))
    assert len(runs) == 3


def test_a_migration_that_an_earlier_version_does_not_know_is_carried_out_again_after_it(
    scratch: Scratch, time: Time
) -> None:
    runs: list[None] = []

    def rewrite(_: Documents) -> int:
        runs.append(None)
        return 0

    known = Migration("repeated", rewrite)
    for _ in range(2):
        scratch.migrate({}, known)
        time.passed += AFTER_THE_ROLLOUT
    scratch.migrate({})
    scratch.migrate({}, known)
    assert len(runs) == 3


def test_a_killed_migration_goes_on_under_traffic(function: Make, tickets_store: Store) -> None:
    """A Job is killed as soon as it has changed a row, while tickets are created."""
    old = [{"userId": "1", "title": "Jazz", "priceCents": 2000, "version": 0} for _ in range(OLD_ROWS)]
    tickets_store["tickets"].insert_many(old)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(manifests.ROOT), "MONGO_URI": tickets_store.uri}
    with subprocess.Popen([sys.executable, "-m", "functions.tickets.migrate"], env=environment) as job:
        eventually(lambda: tickets_store["tickets"].find_one({"prefixes": {"$exists": True}}) is not None)
        job.kill()
    created = function("tickets-create")
    at_once(created, lambda _: offer(function), range(20), threads=4)
    migrate("tickets", tickets_store.uri)
    assert tickets_store["tickets"].count_documents({"prefixes": "jaz"}) == OLD_ROWS + 20


@pytest.fixture
def without_its_index(orders_store: Store) -> Iterator[str]:
    """Yield the name of an index that orders lacks, in a process that has not looked yet."""
    name = str(repository.ONE_LIVE_ORDER_PER_TICKET.document["name"])
    orders_store["orders"].drop_index(name)
    indexes._verified.clear()
    yield name
    orders_store["orders"].drop_indexes()
    migrate("orders", orders_store.uri)


def test_orders_are_refused_until_the_index_is_there(
    function: Make, orders_store: Store, without_its_index: str, capsys: pytest.CaptureFixture[str]
) -> None:
    buyer, ticket = User(), replicate(function)
    create = function("orders-create")
    refused = create.call("POST", json={"ticketId": ticket["id"]}, user=buyer)
    assert said(refused) == refusal(503, "Service Unavailable")
    assert refused.headers["Retry-After"] == "5"
    assert (orders_store["orders"].count_documents({}), orders_store.events()) == (0, [])
    line = capsys.readouterr().out
    assert "index of a guarantee is missing" in line
    assert without_its_index in line
    assert "python -m functions.orders.migrate" in line
    migrate("orders", orders_store.uri)
    assert place(function, buyer, ticket["id"])["status"] == "created"


def test_an_index_with_another_definition_does_not_count(
    function: Make, orders_store: Store, without_its_index: str
) -> None:
    orders_store["orders"].create_index("ticket.id", name=without_its_index)
    response = function("orders-create").call("POST", json={"ticketId": replicate(function)["id"]}, user=User())
    assert response.status_code == 503
    migrate("orders", orders_store.uri)
    assert place(function, User())["status"] == "created"


@pytest.mark.usefixtures("without_its_index")
def test_reading_needs_no_index(function: Make) -> None:
    assert function("orders-list").call("GET", user=User()).status_code == 200
