"""The checkpoint of a relay: kept, lost, old or wrong."""

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
from tests.events.harness import Stage, event
from tests.events.loop import Loop
from tests.events.outbox import OUTBOX, Service, await_stored, committed, stored
from tests.eventually import eventually

POSITION = {"position": {"$exists": True}}
PUBLISHED = {"at": {"$exists": True}}
NO_REPLAY = {"replayFrom": None, "again": None}
LOST_POSITION = {"position": {"_data": "8200"}}


def test_rows_are_deleted_after_a_week_if_they_are_published(stage: Stage, service: Service) -> None:
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(event(), event(source=None))
    eventually(lambda: service.checkpoints(**PUBLISHED, **NO_REPLAY) == 1)
    relay.kill()
    old = committed(days=8)
    rejected = {**old, "_id": ObjectId.from_datetime(datetime.now(UTC) - timedelta(days=9)), "event": {"no": "event"}}
    service.database["outbox"].insert_many([old, committed(days=6), rejected])
    service.database["refused"].insert_one({"_id": rejected["_id"]})
    service.start_relay(stage)
    eventually(lambda: service.database["outbox"].count_documents({}) == 4)
    assert service.database["outbox"].count_documents({"_id": old["_id"]}) == 0


def test_no_row_is_deleted_before_it_is_published(stage: Stage, service: Service) -> None:
    """The relay was down for ten days, and the database has lost its position."""
    service.database["relay"].insert_one({**OUTBOX, **LOST_POSITION, "at": datetime.now(UTC) - timedelta(days=10)})
    service.database["outbox"].insert_many([committed(days=11), committed(days=8)])
    stage.start_bridge()
    service.start_relay(stage).await_ready()
    eventually(lambda: service.checkpoints(**NO_REPLAY) == 1)
    assert stored(stage) == 1


def test_events_committed_while_no_relay_ran(stage: Stage, service: Service) -> None:
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(event())
    eventually(lambda: service.checkpoints(**PUBLISHED) == 1)
    relay.kill()
    service.commit(*(event() for _ in range(250)))
    service.start_relay(stage)
    await_stored(stage, 251)


def test_a_relay_killed_after_publishing_publishes_nothing_twice(stage: Stage, service: Service) -> None:
    """As if the relay had died before it saved its position."""
    stage.start_bridge()
    relay = service.start_relay(stage)
    service.commit(*(event() for _ in range(20)))
    await_stored(stage, 20)
    relay.kill()
    service.database["relay"].delete_many({})
    service.start_relay(stage)
    eventually(lambda: service.checkpoints(**NO_REPLAY) == 1)
    assert stored(stage) == 20


@pytest.mark.parametrize("token", ["8200", "no token"])
def test_a_lost_position_is_no_lost_event(stage: Stage, service: Service, token: str) -> None:
    """Rows after the last one known to be published are republished; their ids may be a little older."""
    stage.start_bridge()
    service.database["outbox"].insert_many([committed(hours=2), committed(minutes=62), committed(minutes=58)])
    service.commit(event())
    saved = {"position": {"_data": token}, "at": datetime.now(UTC) - timedelta(hours=1)}
    service.database["relay"].insert_one({**OUTBOX, **saved})
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(event())
    await_stored(stage, 4)
    assert "change stream cannot resume" in relay.log
    eventually(lambda: service.checkpoints(**POSITION, **NO_REPLAY) == 1)


@pytest.mark.parametrize("field", ["replayFrom", "again"])
def test_replaying_what_is_requested(stage: Stage, service: Service, field: str) -> None:
    stage.start_bridge()
    with service.database["outbox"].watch() as changes:
        service.database["outbox"].insert_many([committed(hours=3), committed(hours=1), committed()])
        saved = {"position": [changes.next()["_id"] for _ in range(3)][-1], "at": datetime.now(UTC)}
    service.database["relay"].insert_one({**OUTBOX, **saved, field: datetime.now(UTC) - timedelta(hours=2)})
    service.start_relay(stage)
    eventually(lambda: service.checkpoints(**NO_REPLAY) == 1)
    assert stored(stage) == 2


@pytest.mark.parametrize("running", [True, False])
def test_an_outbox_that_is_dropped_and_restored(stage: Stage, service: Service, *, running: bool) -> None:
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(event())
    eventually(lambda: service.checkpoints(**PUBLISHED, **NO_REPLAY) == 1)
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


@pytest.mark.parametrize(("since", "generation"), [("replayFrom", "replayGeneration"), ("again", "asked")])
def test_a_replay_requested_during_another_is_not_lost(
    loop: Loop, service: Service, mongo_uri: str, since: str, generation: str
) -> None:
    request = {"$min": {since: datetime(2026, 1, 1, tzinfo=UTC)}, "$inc": {generation: 1}}

    async def replay() -> None:
        async with AsyncMongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
            store = CheckpointStore(client.get_default_database())
            checkpoint = await store.read()
            service.database["relay"].update_one(OUTBOX, request)
            await store.finish_replay(checkpoint)
            assert (await store.read()).replay_from
            await store.finish_replay(await store.read())
            assert (await store.read()).replay_from is None

    service.database["relay"].update_one(OUTBOX, request, upsert=True)
    loop.run(replay())


@pytest.mark.parametrize("field", ["replayFrom", "again"])
def test_a_replay_from_a_value_that_is_not_a_date_is_of_everything(stage: Stage, service: Service, field: str) -> None:
    service.database["relay"].insert_one({**OUTBOX, field: 1764000000})
    service.commit(event())
    stage.start_bridge()
    relay = service.start_relay(stage)
    await_stored(stage, 1)
    assert "is not a date" in relay.log
    eventually(lambda: service.checkpoints(**NO_REPLAY) == 1)


def test_a_stream_that_is_not_read_for_long_is_opened_again(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    """SecantusDB forgets what an open stream has not given yet, and says so only when one is opened."""
    monkeypatch.setattr(relaying, "_STALL", 0.01)

    async def changes() -> AsyncIterator[Change]:
        for _ in range(2):
            yield {}, Position({}, datetime.now(UTC))

    async def fill_a_queue_that_is_not_read() -> None:
        with pytest.raises(relaying._StalledError):
            await relaying._fill(asyncio.Queue(1), changes())

    loop.run(fill_a_queue_that_is_not_read())
