"""A transaction that does not end in time leaves nothing behind, no lock either; a failover is over in time."""

import re
import time
from collections.abc import Iterator

import pymongo
import pytest
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from functions.shared.storage import database, transaction
from functions.shared.storage.database import TIMEOUT_SECONDS, Documents
from functions.shared.storage.transaction import Transaction
from local import manifests
from tests.functions.harness import Store

LIMIT_SECONDS = 0.5
FAR_LESS_THAN_A_MINUTE = 20


@pytest.fixture
def store(mongo_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A database of its own, which has one row and gives functions little time."""
    monkeypatch.setenv("MONGO_URI", mongo_uri)
    monkeypatch.setattr(transaction, "TIMEOUT_SECONDS", LIMIT_SECONDS)
    store = Store(mongo_uri)
    store["rows"].insert_one({"changes": 0})
    yield store
    store.close()
    database.database().client.close()


def test_what_is_out_of_time_releases_its_rows(store: Store) -> None:
    documents = database.database()

    def linger(lingering: Transaction) -> None:
        _change(documents, lingering.session)
        time.sleep(LIMIT_SECONDS)
        _change(documents, lingering.session)

    with pytest.raises(PyMongoError) as raised:
        transaction.transaction(documents, linger)
    assert raised.value.timeout

    with pymongo.timeout(FAR_LESS_THAN_A_MINUTE):
        _change(store.database)
    assert _changes(store) == 1


def test_what_waits_for_a_transaction_that_does_not_end_gives_up_before_its_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "TIMEOUT_SECONDS", FAR_LESS_THAN_A_MINUTE)
    monkeypatch.setattr(transaction, "CONTENTION_SECONDS", LIMIT_SECONDS)
    documents = database.database()
    with store.database.client.start_session() as abandoned, abandoned.start_transaction():
        _change(store.database, abandoned)

        with pytest.raises(TimeoutError, match="another transaction"):
            transaction.transaction(documents, lambda changing: _change(documents, changing.session))

    transaction.transaction(documents, lambda changing: _change(documents, changing.session))
    assert _changes(store) == 2


def test_a_lost_primary_is_replaced_before_functions_give_up() -> None:
    script = (manifests.ROOT / "knative/components/mongodb/replica-set/initiate.js").read_text()
    [milliseconds] = re.findall(r"electionTimeoutMillis: (\d+)", script)
    # As long again is left for the election itself and for drivers to hear of it.
    assert 2 * int(milliseconds) <= TIMEOUT_SECONDS * 1000


def _change(documents: Documents, session: ClientSession | None = None) -> None:
    documents["rows"].update_one({}, {"$inc": {"changes": 1}}, session=session)


def _changes(store: Store) -> int:
    [row] = store["rows"].find()
    return int(row["changes"])
