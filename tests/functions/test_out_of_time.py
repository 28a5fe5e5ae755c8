"""A transaction that does not end in time leaves nothing behind, no lock either."""

import time

import pymongo
import pytest
from pymongo.errors import PyMongoError

from functions.shared import database
from functions.shared.database import Session
from tests.functions.harness import Store

LIMIT_SECONDS = 0.5
FAR_LESS_THAN_A_MINUTE = 20


def test_what_is_out_of_time_lets_go_of_its_rows(
    addresses: dict[str, str], orders_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGO_URI", addresses["orders"])
    monkeypatch.setattr(database, "TIMEOUT_SECONDS", LIMIT_SECONDS)
    row = orders_store["rows"].insert_one({"changed": 0}).inserted_id

    def change(session: Session) -> None:
        database.database()["rows"].update_one({"_id": row}, {"$set": {"changed": 1}}, session=session)

    def linger(session: Session) -> None:
        change(session)
        time.sleep(LIMIT_SECONDS)
        change(session)

    with pytest.raises(PyMongoError, match="time limit"):
        database.transaction(linger)

    with pymongo.timeout(FAR_LESS_THAN_A_MINUTE):
        assert orders_store["rows"].update_one({"changed": 0}, {"$set": {"changed": 2}}).modified_count == 1
