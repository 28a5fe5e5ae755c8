"""What the bridge makes in JetStream, and what that takes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from events.broker import manifest
from events.broker.model import Broker
from events.broker.scheduling import schedule
from events.broker.streams import ensure_streams
from events.cloudevents.messages import read_row
from tests.events.harness import Sink, Stage, event
from tests.events.outbox import await_stored
from tests.eventually import PATIENCE_SECONDS

GIB = 1 << 30
METADATA = 128 << 10  # bytes of it that NATS keeps with a stream
KNATIVE = Path(__file__).parents[2] / "knative"
BROKER, PRODUCTION = KNATIVE / "base/eventing/broker.yaml", KNATIVE / "overlays/production/broker.yaml"


def test_a_volume_holds_many_brokers(private_stage: Stage) -> None:
    stage = private_stage
    stage.loop.run(ensure_streams(stage.jetstream, Broker(stage.stream_names.namespace, "default")))
    answer = stage.loop.run(stage.connection.request("$JS.API.INFO", timeout=PATIENCE_SECONDS))
    assert 0 < 100 * json.loads(answer.data)["reserved_storage"] < 10 * GIB


def test_production_keeps_more_than_one_machine() -> None:
    broker, production = (yaml.safe_load(path.read_text()) for path in (BROKER, PRODUCTION))
    (small,) = manifest.desired_state([broker]).brokers
    broker["metadata"]["annotations"] |= production["metadata"]["annotations"]
    (large,) = manifest.desired_state([broker]).brokers
    assert small.max_bytes < large.max_bytes == GIB


def test_a_broker_that_cannot_be_marked_stops_no_other(stage: Stage, sink: Sink) -> None:
    """Its streams have room for its uid, and none for the mark that its first consumers are bound."""
    stage.objects.append(json.loads(json.dumps(stage.objects[0])))
    stage.objects[1]["metadata"] |= {"name": "greedy", "uid": "x" * (METADATA - 60)}
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event())
    sink.await_requests(1)


def test_a_trigger_that_cannot_be_bound_stops_no_other(stage: Stage, sink: Sink) -> None:
    """A time without a zone stands for any malformed field of an object."""
    stage.trigger("odd", sink)
    stage.objects[1]["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00"
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event())
    sink.await_requests(1)


@pytest.mark.slow
def test_schedules_that_are_created_again_still_reach_the_log(private_stage: Stage) -> None:
    """NATS takes some twenty seconds to see that the sequences which the log sources begin again."""
    stage = private_stage
    stage.loop.run(ensure_streams(stage.jetstream, Broker(stage.stream_names.namespace, "default")))
    for number in range(10):
        _schedule(stage, f"before-{number}")
    await_stored(stage, 10)
    stage.loop.run(stage.jetstream.delete_stream(stage.stream_names.schedules))
    stage.loop.run(ensure_streams(stage.jetstream, Broker(stage.stream_names.namespace, "default")))
    _schedule(stage, "after")
    await_stored(stage, 11)


def _schedule(stage: Stage, key: str) -> None:
    due = (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()
    message = schedule(read_row(event(notbefore=due)), stage.stream_names, key)
    stage.send(message.subject, message.headers, message.data)
