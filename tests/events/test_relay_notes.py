"""What a relay notes of its outbox, and what becomes of it when that is lost, old or wrong."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient

from events.relay import relay as relaying
from events.relay.checkpoint import CheckpointStore, Position
from events.relay.outbox import Change
from tests.events.harness import Loop, Stage, event
from tests.events.outbox import NOTE, Service, await_stored, committed, stored
from tests.eventually import eventually

POSITION = {"position": {"$exists": True}}
PUBLISHED = {"at": {"$exists": True}}
LOST_POSITION = {"position": {"_data": "8200"}}


def test_rows_are_forgotten_after_a_week_if_they_are_published(stage: Stage, service: Service) -> None:
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(event(), event(id="refused", source=None))
    eventually(lambda: service.notes(**PUBLISHED, again=None) == 1)
    relay.kill()
    old = committed(days=8)
    refused = {**old, "_id": ObjectId.from_datetime(datetime.now(UTC) - timedelta(days=9)), "event": {"no": "event"}}
    service.database["outbox"].insert_many([old, committed(days=6), refused])
    service.database["refused"].insert_one({"_id": refused["_id"]})
    service.start_relay(stage)
    eventually(lambda: service.database["outbox"].count_documents({}) == 4)
    assert service.database["outbox"].count_documents({"_id": old["_id"]}) == 0


def test_no_row_is_forgotten_before_it_is_published(stage: Stage, service: Service) -> None:
    """The relay was down for ten days, and the database has lost its position since."""
    service.database["relay"].insert_one({**NOTE, **LOST_POSITION, "at": datetime.now(UTC) - timedelta(days=10)})
    service.database["outbox"].insert_many([committed(days=11), committed(days=8)])
    stage.start_bridge()
    service.start_relay(stage).await_ready()
    eventually(lambda: service.notes(again=None) == 1)
    assert stored(stage) == 1


def test_events_committed_while_no_relay_ran(stage: Stage, service: Service) -> None:
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(event())
    eventually(lambda: service.notes(**PUBLISHED) == 1)
    relay.kill()
    service.commit(*(event() for _ in range(250)))
    service.start_relay(stage)
    await_stored(stage, 251)


def test_a_relay_killed_after_publishing_publishes_nothing_twice(stage: Stage, service: Service) -> None:
    """As if the relay had died before it noted its position."""
    stage.start_bridge()
    relay = service.start_relay(stage)
    service.commit(*(event() for _ in range(20)))
    await_stored(stage, 20)
    relay.kill()
    service.database["relay"].delete_many({})
    service.start_relay(stage)
    eventually(lambda: service.notes(again=None) == 1)
    assert stored(stage) == 20


@pytest.mark.parametrize("token", ["8200", "no token"])
def test_a_lost_position_is_no_lost_event(stage: Stage, service: Service, token: str) -> None:
    """What is younger than the last row known to be published is published once more; ids may be a little older."""
    stage.start_bridge()
    service.database["outbox"].insert_many([committed(hours=2), committed(minutes=62), committed(minutes=58)])
    service.commit(event())
    noted = {"position": {"_data": token}, "at": datetime.now(UTC) - timedelta(hours=1)}
    service.database["relay"].insert_one({**NOTE, **noted})
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(event())
    await_stored(stage, 4)
    assert "position in the change stream is lost" in relay.log
    eventually(lambda: service.notes(**POSITION, again=None) == 1)


def test_publishing_once_more_what_somebody_asks_for(stage: Stage, service: Service) -> None:
    stage.start_bridge()
    with service.database["outbox"].watch() as changes:
        service.database["outbox"].insert_many([committed(hours=3), committed(hours=1), committed()])
        noted = {"position": [changes.next()["_id"] for _ in range(3)][-1], "at": datetime.now(UTC)}
    service.database["relay"].insert_one({**NOTE, **noted, "again": datetime.now(UTC) - timedelta(hours=2)})
    service.start_relay(stage)
    eventually(lambda: service.notes(again=None) == 1)
    assert stored(stage) == 2


@pytest.mark.parametrize("running", [True, False])
def test_an_outbox_that_is_dropped_and_restored(stage: Stage, service: Service, *, running: bool) -> None:
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(event())
    eventually(lambda: service.notes(**PUBLISHED, again=None) == 1)
    if not running:
        relay.kill()
    rows = list(service.database["outbox"].find())
    service.database["outbox"].drop()
    service.database["outbox"].insert_many([*rows, committed()])
    if not running:
        service.start_relay(stage)
    await_stored(stage, 2)
    service.commit(event())
    await_stored(stage, 3)


def test_a_wish_that_comes_while_another_is_carried_out(loop: Loop, service: Service, mongo_uri: str) -> None:
    wish = {"$min": {"again": datetime(2026, 1, 1, tzinfo=UTC)}, "$inc": {"asked": 1}}

    async def carry_out() -> None:
        async with AsyncMongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
            notes = CheckpointStore(client.get_default_database())
            note = await notes.read()
            service.database["relay"].update_one(NOTE, wish)
            await notes.done(note)
            assert (await notes.read()).again
            await notes.done(await notes.read())
            assert (await notes.read()).again is None

    service.database["relay"].update_one(NOTE, wish, upsert=True)
    loop.run(carry_out())


def test_a_wish_that_is_no_date(stage: Stage, service: Service) -> None:
    """It must not hide that a lost position wants something, too."""
    service.database["relay"].insert_one({**NOTE, "again": 1764000000})
    service.commit(event())
    stage.start_bridge()
    relay = service.start_relay(stage)
    await_stored(stage, 1)
    assert "is no date" in relay.log
    eventually(lambda: service.notes(again=None) == 1)


def test_a_stream_that_is_not_read_for_long_is_opened_again(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    """SecantusDB forgets what an open stream has not given yet, and says so only when one is opened."""
    monkeypatch.setattr(relaying, "_STALL", 0.01)

    async def changes() -> AsyncIterator[Change]:
        for _ in range(2):
            yield {}, Position({}, datetime.now(UTC))

    async def fill_what_nobody_empties() -> None:
        with pytest.raises(relaying._StalledError):
            await relaying._fill(asyncio.Queue(1), changes())

    loop.run(fill_what_nobody_empties())
