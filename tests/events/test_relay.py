"""From an outbox to the log, whatever dies in between."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient, MongoClient
from pymongo.database import Database

from events.relay import relay as relaying
from events.relay.notes import Notes, Position
from events.relay.outbox import Change
from local import servers
from tests.events.harness import Loop, Sink, Stage, event
from tests.events.processes import NatsServer, Process, Server
from tests.eventually import eventually

Documents = Database[dict[str, Any]]
NOTE = {"_id": "outbox"}
POSITION = {"position": {"$exists": True}}
PUBLISHED = {"at": {"$exists": True}}
LOST_POSITION = {"position": {"_data": "8200"}}


class Service:
    """A service's database, and its relays."""

    def __init__(self, uri: str, database: Documents, folder: Path) -> None:
        self.database = database
        self._uri = uri
        self._folder = folder
        self.relays: list[Process] = []

    def commit(self, *events: dict[str, Any]) -> list[Any]:
        """Put events into the outbox, and return the ids of their rows."""
        return self.database["outbox"].insert_many([{"event": one} for one in events]).inserted_ids

    def start_relay(self, stage: Stage) -> Process:
        """Start one more relay."""
        broker = f"{stage.layout.namespace}/{stage.layout.broker}"
        environment = {"MONGO_URI": self._uri, "NATS_URL": stage.nats_url, "BROKER": broker}
        relay = Process("events.relay", environment, self._folder / "relay.log")
        self.relays.append(relay)
        return relay

    def notes(self, **what: object) -> int:
        """1 if this is what the relay noted of its outbox."""
        return self.database["relay"].count_documents({**NOTE, **what})

    def refused(self) -> int:
        """How many rows the relay noted that it cannot publish."""
        return self.database["refused"].count_documents({})


@pytest.fixture
def service(mongo_uri: str, tmp_path: Path) -> Iterator[Service]:
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        service = Service(mongo_uri, client.get_default_database(), tmp_path)
        yield service
        for relay in service.relays:
            relay.kill()


def stored(stage: Stage) -> int:
    return int(stage.loop.run(stage.jetstream.stream_info(stage.layout.log)).state.messages)


def await_stored(stage: Stage, count: int) -> None:
    eventually(lambda: stored(stage) >= count)
    assert stored(stage) == count


def committed(**ago: float) -> dict[str, Any]:
    """A row as a function stored it some time ago."""
    return {"_id": ObjectId.from_datetime(datetime.now(UTC) - timedelta(**ago)), "event": event()}


def test_publishing_what_was_and_what_will_be_committed(stage: Stage, sink: Sink, service: Service) -> None:
    stage.trigger("all", sink)
    stage.start_bridge()
    service.commit(event(id="before", subject="ü", data={"price": 12.5, "big": 2**40}))
    service.start_relay(stage).await_ready()
    service.commit(event(id="after", source="/ü x"))
    requests = sink.await_requests(2)
    by_id = {request.id: request for request in requests}
    assert by_id.keys() == {"before", "after"}
    assert by_id["before"].headers["ce-subject"] == "%C3%BC"
    assert by_id["before"].headers["content-type"] == "application/json"
    assert by_id["before"].body == b'{"price":12.5,"big":1099511627776}'
    assert by_id["after"].headers["ce-source"] == "/%C3%BC%20x"


def test_rows_are_forgotten_after_a_week_if_they_are_published(stage: Stage, service: Service) -> None:
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(event(), event(id="refused", source=None))
    eventually(lambda: service.notes(**PUBLISHED) == 1)
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
            notes = Notes(client.get_default_database())
            note = await notes.read()
            service.database["relay"].update_one(NOTE, wish)
            await notes.done(note)
            assert (await notes.read()).again
            await notes.done(await notes.read())
            assert (await notes.read()).again is None

    service.database["relay"].update_one(NOTE, wish, upsert=True)
    loop.run(carry_out())


def test_a_wish_that_is_no_date(stage: Stage, service: Service) -> None:
    service.database["relay"].insert_one({**NOTE, "again": 1764000000})
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(event())
    await_stored(stage, 1)
    assert "no date" in relay.log


def test_a_stream_that_is_not_read_for_long_is_opened_again(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    """SecantusDB forgets what an open stream has not given yet, and says so only when one is opened."""
    monkeypatch.setattr(relaying, "_STALL", 0.01)

    async def changes() -> AsyncIterator[Change]:
        for _ in range(2):
            yield {}, Position({}, datetime.now(UTC))

    async def fill_what_nobody_empties() -> None:
        with pytest.raises(TimeoutError):
            await relaying._fill(asyncio.Queue(1), changes())

    loop.run(fill_what_nobody_empties())


def test_two_relays_publish_everything_once(stage: Stage, service: Service) -> None:
    stage.start_bridge()
    for relay in (service.start_relay(stage), service.start_relay(stage)):
        relay.await_ready()
    for _ in range(10):
        service.commit(*(event() for _ in range(20)))
    await_stored(stage, 200)
    service.commit(event())
    await_stored(stage, 201)


def test_a_row_that_cannot_be_published_stops_no_other(stage: Stage, service: Service) -> None:
    stage.start_bridge()
    bad = [
        event(data="x" * 2_000_000),
        event(data="x" * 1_000_000),
        event(data="x" * 1_048_500),  # the server takes as much, but not headers besides
        event(subject="x" * 100_000),
        event(source=None),
        event(**{"Bad Name": "x"}),
        event(extension={"nested": 1}),
        event(time=float("nan")),
        {"no": "event"},
    ]
    service.commit(*bad, event(id="good"))
    service.database["outbox"].insert_one({"no": "event"})
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(*bad, event(id="better"))
    await_stored(stage, 2)
    eventually(lambda: relay.log.count("event cannot be published") >= 2 * len(bad) + 1)
    eventually(lambda: service.refused() == 2 * len(bad) + 1)


def test_a_row_that_can_be_published_after_all(stage: Stage, service: Service) -> None:
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    row = service.commit(event(source=None), event(source=None))[0]
    eventually(lambda: service.refused() == 2)
    relay.kill()
    service.database["outbox"].update_one({"_id": row}, {"$set": {"event": event()}})
    service.start_relay(stage)
    eventually(lambda: service.refused() == 1)
    assert stored(stage) == 1


def test_waiting_for_a_log_that_is_not_there_yet(stage: Stage, service: Service) -> None:
    service.commit(event())
    relay = service.start_relay(stage)
    eventually(lambda: "JetStream takes no events" in relay.log)
    stage.start_bridge()
    await_stored(stage, 1)


def test_waiting_for_room_in_a_full_log(stage: Stage, service: Service) -> None:
    stage.broker({"jetstream.ticketing.dev/max-bytes": "400000"})
    stage.start_bridge()
    stage.send(stage.layout.event("filler"), {}, b"x" * 399_000)
    service.commit(event(id="a", data="x" * 10_000))
    relay = service.start_relay(stage)
    eventually(lambda: "maximum bytes exceeded" in relay.log)
    stage.loop.run(stage.jetstream.purge_stream(stage.layout.log))
    await_stored(stage, 1)


def test_waiting_for_nats(loop: Loop, service: Service, tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats")
    server.start()
    stage = Stage(loop, server.url)
    stage.start_bridge()
    server.kill()
    service.commit(event())
    relay = service.start_relay(stage)
    eventually(lambda: relay.status("/healthz") == 200)
    assert relay.status("/readyz") == 503
    server.start()
    eventually(lambda: stage.connection.is_connected)
    await_stored(stage, 1)
    server.kill()
    service.commit(event())
    server.start()
    eventually(lambda: stage.connection.is_connected)
    await_stored(stage, 2)
    stage.close()
    server.kill()


def test_waiting_for_the_database(stage: Stage, tmp_path: Path) -> None:
    server = Server(servers.mongo_server, tmp_path / "mongo")
    uri = servers.mongo_uri(server.port).replace("/?", "/test?")
    with MongoClient[dict[str, Any]](uri) as client:
        service = Service(uri, client.get_default_database(), tmp_path)
        stage.start_bridge()
        relay = service.start_relay(stage)
        server.start()
        service.commit(event())
        await_stored(stage, 1)
        server.kill()
        server.start()
        client.list_database_names()  # a read is tried again, so that the write after it finds a connection that works
        service.commit(event())
        await_stored(stage, 2)
        relay.kill()
    server.kill()


def test_stopping_a_relay_that_waits_for_nats(service: Service, stage: Stage) -> None:
    stage.nats_url = f"nats://127.0.0.1:{servers.free_port()}"
    relay = service.start_relay(stage)
    eventually(lambda: relay.status("/healthz") == 200)
    assert relay.terminate() == 0


def test_stopping_a_relay(stage: Stage, service: Service) -> None:
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    assert relay.terminate() == 0
