"""What the bridge makes in JetStream, and what that takes."""

import json
from pathlib import Path

import yaml

from events.bridge import manifest
from events.bridge.resources import Broker
from events.bridge.streams import ensure_streams
from tests.events.harness import Stage

GIB = 1 << 30
BROKER = Path(__file__).parents[2] / "knative" / "base" / "eventing" / "broker.yaml"


def test_a_volume_holds_many_brokers(private_stage: Stage) -> None:
    stage = private_stage
    stage.loop.run(ensure_streams(stage.jetstream, Broker(stage.layout.namespace, "default")))
    answer = stage.loop.run(stage.connection.request("$JS.API.INFO"))
    assert 0 < 100 * json.loads(answer.data)["reserved_storage"] < 10 * GIB


def test_our_own_broker_keeps_more() -> None:
    (broker,) = manifest.wiring([yaml.safe_load(BROKER.read_text())]).brokers
    assert broker.max_bytes == GIB
