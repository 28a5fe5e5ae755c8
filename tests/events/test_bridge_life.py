"""The bridge's life: killed, stopped, without NATS, its manifests edited, its streams gone."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nats.errors
import pytest
import yaml

from events.broker import manifest
from events.broker.streams import ensure_streams
from tests.events.conftest import Start
from tests.events.harness import Answer, Request, Sink, Stage, event
from tests.events.processes import NatsServer
from tests.eventually import eventually


def test_a_bridge_that_is_killed_in_mid_flight_loses_nothing(stage: Stage, sink: Sink, start: Start) -> None:
    never = threading.Event()
    sink.answer = lambda _: Answer() if never.wait(30) else Answer(500)
    stage.trigger("all", sink)
    first = start(stage, ACK_WAIT_SECONDS="1.5")
    first.await_ready()
    stage.publish(*(event(id=str(n)) for n in range(100)))
    sink.await_requests(16)
    first.kill()
    sink.answer = lambda _: Answer()
    start(stage, ACK_WAIT_SECONDS="1.5")
    eventually(lambda: set(sink.ids) == {str(n) for n in range(100)})
    stage.await_settled("all")
    never.set()


def test_a_bridge_that_is_told_to_stop_ends_what_it_began(stage: Stage, sink: Sink, start: Start) -> None:
    def slowly(_: Request) -> Answer:
        time.sleep(0.5)
        return Answer()

    sink.answer = slowly
    stage.trigger("all", sink)
    bridge = start(stage)
    bridge.await_ready()
    stage.publish(*(event() for n in range(10)))
    sink.await_requests(1)
    assert bridge.terminate() == 0
    sink.answer = lambda _: Answer()
    start(stage)
    stage.await_settled("all")
    assert len(sink.ids) == len(set(sink.ids)) == 10


def test_two_bridges_share_the_work(stage: Stage, sink: Sink, start: Start) -> None:
    stage.trigger("all", sink)
    for bridge in (start(stage), start(stage)):
        bridge.await_ready()
    stage.publish(*(event(id=str(n)) for n in range(200)))
    sink.await_requests(200)
    stage.await_settled("all")
    assert sorted(map(str, sink.ids)) == sorted(map(str, range(200)))


def test_health_while_nats_is_away(private_stage: Stage, nats_server: NatsServer, sink: Sink, start: Start) -> None:
    stage = private_stage
    stage.trigger("all", sink)
    nats_server.kill()
    bridge = start(stage)
    eventually(lambda: bridge.status("/healthz") == 200)
    assert bridge.status("/readyz") == 503
    assert bridge.status("/other") == 404
    nats_server.start()
    bridge.await_ready()
    eventually(lambda: stage.connection.is_connected)
    stage.publish(event(id="before"))
    sink.await_requests(1)
    nats_server.kill()
    eventually(lambda: bridge.status("/readyz") == 503)
    nats_server.start()
    bridge.await_ready()
    eventually(lambda: stage.connection.is_connected)
    stage.publish(event(id="after"))
    sink.await_requests(2)


@pytest.mark.slow
def test_a_scheduled_reply_survives_a_killed_nats_server(
    private_stage: Stage, nats_server: NatsServer, sink: Sink, other_sink: Sink
) -> None:
    """Killed before the event is due, started after. The kill may cost the acknowledgement of the first delivery."""
    stage = private_stage
    due: list[datetime] = []

    def reply(_: Request) -> Answer:
        due.append(datetime.now(UTC) + timedelta(seconds=8))
        when = due[0].isoformat()
        named = {"ce-specversion": "1.0", "ce-id": "r", "ce-source": "/r", "ce-type": "later", "ce-notbefore": when}
        return Answer(200, named)

    sink.answer = reply
    stage.trigger("replier", sink, filter={"attributes": {"type": "dev.test.happened"}})
    stage.trigger("listener", other_sink, filter={"attributes": {"type": "later"}})
    stage.start_bridge()
    stage.publish(event())
    stage.await_settled("replier")
    assert not other_sink.requests
    nats_server.kill()
    eventually(lambda: datetime.now(UTC) > due[0])
    nats_server.start()
    other_sink.await_requests(1)
    stage.await_settled("listener")
    assert len(other_sink.requests) <= len(sink.requests)


def test_editing_the_manifests_of_a_running_bridge(
    stage: Stage, sink: Sink, other_sink: Sink, tmp_path: Path, start: Start
) -> None:
    stage.trigger("one", sink)
    start(stage).await_ready()
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text("no: [yaml")
    stage.publish(event(id="before"))
    sink.await_requests(1)
    stage.trigger("two", other_sink)
    manifests.write_text(yaml.safe_dump_all(stage.objects))
    eventually(lambda: "two" in (tmp_path / "bridge.log").read_text())
    stage.publish(event(id="for-both"))
    assert other_sink.await_requests(1)[0].id == "for-both"
    sink.await_requests(2)


@pytest.mark.slow
def test_manifests_that_cannot_be_read_for_a_while(
    stage: Stage, sink: Sink, other_sink: Sink, tmp_path: Path, start: Start
) -> None:
    stage.trigger("one", sink)
    bridge = start(stage)
    bridge.await_ready()
    manifests = tmp_path / "manifests.yaml"
    for content in (None, b"\xff"):
        known = bridge.log.count("cannot be read")
        manifests.write_bytes(content) if content else manifests.unlink()
        eventually(lambda known=known: bridge.log.count("cannot be read") > known)  # type: ignore[misc]  # a lambda's default
    stage.trigger("two", other_sink)
    manifests.write_text(yaml.safe_dump_all(stage.objects))
    eventually(lambda: bridge.log.count("Trigger subscribed") > 1)
    stage.publish(event(id="for-both"))
    assert [sink.await_requests(1)[0].id, other_sink.await_requests(1)[0].id] == ["for-both"] * 2


def test_finding_hosts_by_their_aliases(stage: Stage, sink: Sink, start: Start) -> None:
    host = f"orders-expire.{stage.stream_names.namespace}.svc.cluster.local"
    reference = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "orders-expire"}
    stage.trigger("all", sink, subscriber={"ref": reference, "uri": "/path"})
    address = sink.url.removeprefix("http://").rstrip("/")
    start(stage, HOST_ALIASES=f'{{"{host}": "{address}"}}').await_ready()
    stage.publish(event())
    (request,) = sink.await_requests(1)
    assert request.headers["host"] == host
    assert request.path == "/path"


def test_a_new_trigger_gets_what_comes_after_it(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    stage.trigger("first", sink)
    stop = stage.start_bridge()
    stage.publish(event(id="old"))
    sink.await_requests(1)
    stop()
    stage.publish(event(id="while-stopped"))
    stage.trigger("second", other_sink)
    stage.start_bridge()
    stage.publish(event(id="new"))
    other_sink.await_requests(1)
    stage.await_settled("first")
    stage.await_settled("second")
    assert sink.ids == ["old", "while-stopped", "new"]
    assert other_sink.ids == ["new"]


def test_the_first_triggers_get_what_came_before_them(stage: Stage, sink: Sink) -> None:
    """The relay publishes as soon as there is a log, which is before there are consumers."""
    made = manifest.desired_state(stage.objects)
    stage.loop.run(ensure_streams(stage.jetstream, made.brokers[0]))
    stage.publish(event(id="early"))
    stage.trigger("all", sink)
    stage.start_bridge()
    assert sink.await_requests(1)[0].id == "early"


def test_a_bridge_notices_that_its_streams_were_removed(stage: Stage, sink: Sink) -> None:
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.loop.run(stage.jetstream.delete_stream(stage.stream_names.log))
    eventually(lambda: _published(stage))
    sink.await_requests(1)


def test_a_broker_without_triggers(stage: Stage, sink: Sink) -> None:
    stop = stage.start_bridge()
    stage.trigger("all", sink)
    stop()
    stage.start_bridge()
    stage.publish(event())
    sink.await_requests(1)


def _published(stage: Stage) -> bool:
    try:
        stage.publish(event())
    except nats.errors.Error:
        return False
    return True
