"""From an outbox to the log, through crashes of everything in between."""

from pathlib import Path
from typing import Any

from pymongo import MongoClient

from local import servers
from tests.events.harness import Sink, Stage, event
from tests.events.loop import Loop
from tests.events.outbox import Service, await_stored, committed, stored
from tests.events.processes import NatsServer, Server
from tests.eventually import eventually


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
        event(data="x" * 1_048_500),  # the server takes as much, but no headers in addition
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
    eventually(lambda: relay.log.count("outbox row cannot be published") >= 2 * len(bad) + 1)
    eventually(lambda: service.rejected() == 2 * len(bad) + 1)


def test_a_row_that_can_be_published_after_all(stage: Stage, service: Service) -> None:
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    row = service.commit(event(source=None), event(source=None))[0]
    eventually(lambda: service.rejected() == 2)
    relay.kill()
    service.database["outbox"].update_one({"_id": row}, {"$set": {"event": event()}})
    service.start_relay(stage)
    eventually(lambda: service.rejected() == 1)
    assert stored(stage) == 1


def test_waiting_for_a_log_that_is_not_there_yet(stage: Stage, service: Service) -> None:
    service.commit(event())
    relay = service.start_relay(stage)
    eventually(lambda: "publish to JetStream failed" in relay.log)
    stage.start_bridge()
    await_stored(stage, 1)


def test_waiting_for_room_in_a_full_log(stage: Stage, service: Service) -> None:
    """The bridge makes room, once it runs again."""
    stage.broker({"jetstream.ticketing.dev/max-bytes": "400000"})
    stage.start_bridge()
    stage.stop_bridges()
    stage.send(stage.stream_names.event("filler"), {}, b"x" * 399_000)
    service.commit(event(id="a", data="x" * 10_000))
    relay = service.start_relay(stage)
    eventually(lambda: "maximum bytes exceeded" in relay.log)
    stage.start_bridge()
    eventually(lambda: "publish to JetStream works again" in relay.log)


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


def test_a_row_of_a_slow_clock_that_nats_lost_when_it_stopped(loop: Loop, service: Service, tmp_path: Path) -> None:
    """The last sequence does not tell, as if another publisher had filled it up."""
    server = NatsServer(tmp_path / "nats")
    server.start()
    stage = Stage(loop, server.url)
    stage.start_bridge()
    service.start_relay(stage).await_ready()
    service.database["outbox"].insert_one(committed(minutes=4))
    await_stored(stage, 1)
    last = loop.run(stage.jetstream.stream_info(stage.stream_names.log)).state.last_seq
    loop.run(stage.jetstream.delete_msg(stage.stream_names.log, last))
    eventually(lambda: service.checkpoints(at={"$exists": True}, replayFrom=None) == 1)
    server.kill()
    server.start()
    eventually(lambda: stage.connection.is_connected)
    await_stored(stage, 1)
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


def test_metrics_say_what_a_relay_published_what_waits_and_what_it_cannot_publish(
    stage: Stage, service: Service
) -> None:
    stage.start_bridge()
    relay = service.start_relay(stage)
    relay.await_ready()
    service.commit(event(), {"no": "event"})
    await_stored(stage, 1)
    eventually(lambda: service.rejected() == 1)
    seen = relay.metrics()
    assert seen["relay_published_total"] >= 1  # a relay that begins may publish its newest rows again
    assert seen["relay_following"] == 1
    eventually(lambda: relay.metrics()["relay_oldest_unpublished_seconds"] == 0)
    relay.kill()

    following = service.start_relay(stage)
    eventually(lambda: following.status("/healthz") == 200 and following.metrics()["relay_rejected_rows"] == 1)
