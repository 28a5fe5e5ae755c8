"""A Broker's streams that JetStream does not answer for, as those on a server that is down, and all the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.events.conftest import Start
from tests.events.harness import Sink, Stage, event
from tests.events.loop import Loop
from tests.events.processes import NatsServer
from tests.eventually import eventually

pytestmark = pytest.mark.slow

SILENT = {
    "apiVersion": "eventing.knative.dev/v1",
    "kind": "Broker",
    "metadata": {
        "namespace": "silent",
        "name": "default",
        "annotations": {"eventing.knative.dev/broker.class": "JetStreamBridge"},
    },
}
# To its client, a question that is not permitted is one without an answer.
CONFIGURATION = """
authorization {
  users: [{user: all, password: a, permissions {publish: {deny: "$JS.API.STREAM.INFO.silent_default_schedules"}}}]
}
no_auth_user: all
"""


@pytest.fixture
def half_silent(loop: Loop, tmp_path: Path) -> Iterator[Stage]:
    """A Broker that is in order, on a server that does not answer for another."""
    configuration = tmp_path / "nats.conf"
    configuration.write_text(CONFIGURATION)
    server = NatsServer(tmp_path / "nats", "--config", str(configuration))
    server.start()
    stage = Stage(loop, server.url)
    yield stage
    stage.close()
    server.kill()


def test_the_others_are_served_all_the_same(half_silent: Stage, sink: Sink) -> None:
    half_silent.objects.append(SILENT)
    half_silent.trigger("all", sink)
    half_silent.start_bridge()
    half_silent.publish(event(id="1"))
    assert sink.await_requests(1)[0].id == "1"


def test_an_object_that_is_added_later_does_not_make_a_bridge_unready(
    half_silent: Stage, sink: Sink, tmp_path: Path, start: Start
) -> None:
    half_silent.trigger("all", sink)
    bridge = start(half_silent)
    bridge.await_ready()
    half_silent.objects.append(SILENT)
    half_silent.trigger("new", sink)
    (tmp_path / "manifests.yaml").write_text(yaml.safe_dump_all(half_silent.objects))
    answers = set()

    def is_known() -> bool:
        answers.add(bridge.status("/readyz"))
        return "no JetStream response" in bridge.log and bridge.log.count("Trigger subscribed") > 1

    eventually(is_known)
    assert answers == {200}
