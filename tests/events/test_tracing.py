"""The trace of an event through a Broker: which spans there are, and which is whose parent.

The first two tests are the equal of TestBrokerTracing in Knative's conformance tests, which its move to OpenTelemetry
has left skipped: a sender, with a trace or without one, an ingress, and two Triggers, one of whose subscribers replies.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from events.telemetry import config_map
from local import servers
from tests.events.conftest import Start
from tests.events.harness import QUICK, Answer, Sink, Stage, event
from tests.events.outbox import OUTBOX, Service, await_stored
from tests.events.processes import TIMEOUT_SECONDS, Process
from tests.eventually import eventually
from tests.otlp import Receiver, Span

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENDER = f"00-{TRACE}-00f067aa0ba902b7"
EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/sender", "ce-type": "dev.test.transformer"}
REPLY = {"ce-specversion": "1.0", "ce-id": "2", "ce-source": "/transformer", "ce-type": "dev.test.logger"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def only(spans: list[Span]) -> Span:
    [found] = spans
    return found


def send(stage: Stage, bridge: Process, **headers: str) -> None:
    url = f"http://{servers.HOST}:{bridge.ingress_port}/{stage.stream_names.namespace}/default"
    sent = requests.post(url, headers={**EVENT, **headers}, timeout=TIMEOUT_SECONDS)
    assert sent.status_code == 202


def pass_through(stage: Stage, receiver: Receiver, sinks: tuple[Sink, Sink], start: Start, **headers: str) -> Span:
    """Send an event to a Trigger whose subscriber replies with another Trigger's; return the ingress's span."""
    transformer, logger = sinks
    transformer.answer = lambda _: Answer(200, REPLY)
    for name, sink in {"transformer": transformer, "logger": logger}.items():
        stage.trigger(name, sink, filter={"attributes": {"type": f"dev.test.{name}"}})
    bridge = start(stage, **receiver.environment)
    bridge.await_ready()
    send(stage, bridge, **headers)
    logger.await_requests(1)
    namespace = stage.stream_names.namespace
    eventually(lambda: receiver.named(f"trigger:logger.{namespace}"))
    eventually(lambda: len(receiver.named(f"broker:default.{namespace}")) == 2)
    return only(receiver.named(f"broker:default.{namespace}", cloudevents_event_id="1"))


def assert_tree(stage: Stage, receiver: Receiver, ingress: Span, sinks: tuple[Sink, Sink]) -> None:
    """Each step is below the one that caused it, and each subscriber gets the span that its own belong below."""
    namespace = stage.stream_names.namespace
    transformer = only(receiver.children(ingress))
    reply = only(receiver.children(transformer))
    logger = only(receiver.children(reply))
    assert [(one.name, one.kind) for one in (ingress, transformer, reply, logger)] == [
        (f"broker:default.{namespace}", "SERVER"),
        (f"trigger:transformer.{namespace}", "CLIENT"),
        (f"broker:default.{namespace}", "PRODUCER"),
        (f"trigger:logger.{namespace}", "CLIENT"),
    ]
    assert {one.trace for one in (ingress, transformer, reply, logger)} == {ingress.trace}
    passed = [sink.requests[0].headers["traceparent"].rpartition("-")[0] for sink in sinks]
    assert passed == [transformer.context, logger.context]


def test_the_trace_of_a_sender_passes_the_broker(
    stage: Stage, sink: Sink, other_sink: Sink, receiver: Receiver, start: Start
) -> None:
    ingress = pass_through(stage, receiver, (sink, other_sink), start, traceparent=f"{SENDER}-01")
    assert (ingress.trace, ingress.parent) == (TRACE, SENDER[-16:])
    assert_tree(stage, receiver, ingress, (sink, other_sink))
    assert "ce-traceparent" not in sink.requests[0].headers  # the event stays as it came
    said = only(receiver.named(f"trigger:transformer.{stage.stream_names.namespace}"))
    assert said.service == "bridge"
    assert said.attributes == {
        "messaging.system": "knative",
        "messaging.destination.name": said.name,
        "messaging.operation.name": "send",
        "kn.broker.name": "default",
        "kn.broker.namespace": stage.stream_names.namespace,
        "cloudevents.event_id": "1",
        "cloudevents.event_source": "/sender",
        "cloudevents.event_type": "dev.test.transformer",
        "cloudevents.event_spec_version": "1.0",
        "ticketing.delivery.attempt": 1,
        "ticketing.log.sequence": 1,
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.full": sink.url,
    }


def test_an_event_without_a_trace_begins_one_at_the_ingress(
    stage: Stage, sink: Sink, other_sink: Sink, receiver: Receiver, start: Start
) -> None:
    ingress = pass_through(stage, receiver, (sink, other_sink), start)
    assert ingress.parent == ""
    assert_tree(stage, receiver, ingress, (sink, other_sink))


def test_a_trace_that_its_sender_does_not_sample_is_passed_on_and_not_recorded(
    stage: Stage, sink: Sink, receiver: Receiver, start: Start
) -> None:
    stage.trigger("all", sink)
    bridge = start(stage, **receiver.environment)
    bridge.await_ready()
    send(stage, bridge, traceparent=f"{SENDER}-00")
    [request] = sink.await_requests(1)
    assert request.headers["traceparent"].startswith(f"00-{TRACE}-")
    assert request.headers["traceparent"].endswith("-00")
    bridge.terminate()
    assert receiver.spans == []


def test_each_attempt_is_a_span_that_says_how_it_ended(
    stage: Stage, sink: Sink, receiver: Receiver, start: Start
) -> None:
    """Attempts are below what published the event, not below each other; log lines name the attempt's span."""
    sink.answer = lambda _: Answer(500)
    stage.trigger("all", sink, delivery={**QUICK, "retry": 1})
    bridge = start(stage, **receiver.environment)
    bridge.await_ready()
    stage.publish(event(id="doomed", traceparent=f"{SENDER}-01"))
    stage.await_letters(1)
    name = f"trigger:all.{stage.stream_names.namespace}"
    eventually(lambda: len(receiver.named(name)) == 2)
    first, second = sorted(receiver.named(name), key=lambda one: one.start)
    assert [(one.trace, one.parent, one.failed) for one in (first, second)] == [(TRACE, SENDER[-16:], True)] * 2
    assert [one.attributes["error.type"] for one in (first, second)] == ["500", "500"]
    assert first.attributes["ticketing.delivery.retry_seconds"] > 0
    assert second.attributes["ticketing.delivery.dead_lettered"] is True
    lines = [line for line in map(json.loads, bridge.log.splitlines()) if line.get("event") == "doomed"]
    assert [(line["trace"], line["span"]) for line in lines] == [(TRACE, first.id), (TRACE, second.id)]


def test_a_delayed_event_begins_a_trace_that_is_linked_to_what_scheduled_it(
    stage: Stage, sink: Sink, receiver: Receiver, start: Start
) -> None:
    stage.trigger("all", sink)
    bridge = start(stage, **receiver.environment)
    bridge.await_ready()
    due = datetime.now(UTC) + timedelta(seconds=1)
    send(stage, bridge, traceparent=f"{SENDER}-01", **{"ce-notbefore": due.isoformat().replace("+00:00", "Z")})
    sink.await_requests(1)
    namespace = stage.stream_names.namespace
    eventually(lambda: receiver.named(f"trigger:all.{namespace}"))
    scheduled = only(receiver.named(f"broker:default.{namespace}"))
    delivered = only(receiver.named(f"trigger:all.{namespace}"))
    assert (delivered.parent, delivered.links) == ("", (scheduled.context,))
    assert delivered.trace != TRACE
    assert "ticketing.event.notbefore" in delivered.attributes


def test_a_replayed_dead_letter_begins_a_trace_that_is_linked_to_its_event(
    stage: Stage, sink: Sink, receiver: Receiver, start: Start
) -> None:
    sink.answer = lambda _: Answer(204 if len(sink.requests) > 1 else 422)
    stage.trigger("all", sink)
    bridge = start(stage, **receiver.environment)
    bridge.await_ready()
    stage.publish(event(traceparent=f"{SENDER}-01"))
    [letter] = stage.await_letters(1)
    stage.loop.run(stage.dead_letters.replay(letter.sequence))
    name = f"trigger:all.{stage.stream_names.namespace}"
    eventually(lambda: len(receiver.named(name)) == 2)
    first, second = sorted(receiver.named(name), key=lambda one: one.start)
    assert (first.trace, first.parent) == (TRACE, SENDER[-16:])
    assert (second.parent, second.links) == ("", (SENDER,))


def test_a_relay_publishes_below_the_step_that_made_the_event_and_what_it_replays_apart(
    stage: Stage, sink: Sink, service: Service, receiver: Receiver, start: Start
) -> None:
    """The event in the log still names the step that made it; the message names the relay's."""
    stage.trigger("all", sink)
    start(stage, **receiver.environment).await_ready()
    service.start_relay(stage, **receiver.environment).await_ready()
    eventually(lambda: service.checkpoints(replayFrom={"$exists": False}))
    service.commit(event(id="told", traceparent=f"{SENDER}-01"))
    await_stored(stage, 1)
    namespace = stage.stream_names.namespace
    to_log, to_subscriber = f"broker:default.{namespace}", f"trigger:all.{namespace}"
    eventually(lambda: receiver.named(to_subscriber) and receiver.named(to_log))
    published = only([one for one in receiver.named(to_log) if one.parent])
    delivered = only(receiver.named(to_subscriber))
    assert (published.trace, published.parent, published.kind) == (TRACE, SENDER[-16:], "PRODUCER")
    assert published.service == f"{service.database.name}-relay"
    assert delivered.parent == published.id
    assert sink.requests[0].headers["ce-traceparent"] == f"{SENDER}-01"

    service.database["relay"].update_one(OUTBOX, {"$set": {"replayFrom": datetime(2020, 1, 1, tzinfo=UTC)}})
    eventually(lambda: [one for one in receiver.named(to_log) if not one.parent])
    assert {one.links for one in receiver.named(to_log) if not one.parent} == {(SENDER,)}


def test_the_bridge_takes_its_endpoint_from_knatives_config_map(
    stage: Stage, sink: Sink, receiver: Receiver, start: Start, tmp_path: Path
) -> None:
    """It records the traces that come in, and of those that begin here as many as the sampling rate says, 0 of 1."""
    keys = {"tracing-protocol": "http/protobuf", "tracing-endpoint": f"{receiver.url}/v1/traces"}
    for key, value in keys.items():
        (tmp_path / key).write_text(value)
    stage.trigger("all", sink)
    bridge = start(stage, CONFIG_OBSERVABILITY=str(tmp_path))
    bridge.await_ready()
    send(stage, bridge)
    send(stage, bridge, traceparent=f"{SENDER}-01", **{"ce-id": "2"})
    sink.await_requests(2)
    stage.await_settled("all")
    assert bridge.terminate() == 0
    assert {(one.trace, one.attributes["cloudevents.event_id"]) for one in receiver.spans} == {(TRACE, "2")}


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"tracing-protocol": "grpc", "tracing-endpoint": "http://x"}, "'grpc' is not supported"),
        ({"tracing-protocol": "http/protobuf"}, "tracing-endpoint is to be set"),
        ({"tracing-endpoint": "http://x"}, "tracing-endpoint is to be set"),
        (
            {"tracing-protocol": "http/protobuf", "tracing-endpoint": "http://x", "tracing-sampling-rate": "2"},
            "'2' is not a number from 0 to 1",
        ),
    ],
)
def test_a_config_map_that_cannot_be_followed_says_why(tmp_path: Path, keys: dict[str, str], reason: str) -> None:
    for key, value in keys.items():
        (tmp_path / key).write_text(value)
    with pytest.raises(config_map.InvalidConfigError, match=reason):
        config_map.variables(tmp_path)


def test_no_config_map_says_nothing(tmp_path: Path) -> None:
    assert config_map.variables(tmp_path / "none") == {}
