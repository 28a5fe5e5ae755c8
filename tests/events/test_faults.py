"""What may happen to a bridge with many events under way: nothing is lost, and little comes twice."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
import yaml

from local import servers
from tests.events.conftest import Start
from tests.events.harness import QUICK, Answer, Sink, Stage, event
from tests.events.processes import NatsServer, Process
from tests.eventually import eventually

pytestmark = pytest.mark.slow

ABSENCE_SECONDS = 10
MANY = {"jetstream.ticketing.dev/concurrency": "250"}


def post_until_taken(stage: Stage, bridge: Process, number: int) -> int:
    """Post an event as sources do, again after a 503; how often it was sent."""
    url = f"http://{servers.HOST}:{bridge.ingress_port}/{stage.stream_names.namespace}/default"
    headers = {"ce-specversion": "1.0", "ce-id": str(number), "ce-source": "/test", "ce-type": "dev.test.happened"}
    for sent in range(1, 1000):
        time.sleep(0.05)
        answer = requests.post(url, headers=headers, timeout=30)
        if answer.status_code == 202:
            return sent
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    raise AssertionError("never taken")


def test_nats_is_gone_for_a_while_and_back(
    private_stage: Stage, nats_server: NatsServer, sink: Sink, start: Start
) -> None:
    """Sources are told to retry, and every event that was accepted is delivered."""
    private_stage.trigger("all", sink)
    bridge = start(private_stage)
    bridge.await_ready()
    with ThreadPoolExecutor(8) as sources:
        sent = [sources.submit(post_until_taken, private_stage, bridge, number) for number in range(400)]
        sink.await_requests(50)
        nats_server.kill()
        time.sleep(ABSENCE_SECONDS)
        nats_server.start()
        tries = [one.result() for one in sent]
    assert max(tries) > 1
    eventually(lambda: set(sink.ids) == {str(number) for number in range(400)})
    eventually(lambda: private_stage.connection.is_connected)
    private_stage.await_settled("all")
    assert max(Counter(sink.ids).values()) <= 2
    # Some 16 that were under way, and those whose acknowledgement NATS had not on disk yet.
    assert len(sink.ids) - len(set(sink.ids)) <= 48


def test_one_of_two_bridges_is_killed_with_hundreds_under_way(stage: Stage, sink: Sink, start: Start) -> None:
    """Only what the dead one had in hand comes twice."""
    released = threading.Event()
    sink.answer = lambda _: Answer() if released.wait(60) else Answer(500)
    stage.trigger("all", sink, MANY)
    dying, other = start(stage), start(stage)
    dying.await_ready()
    other.await_ready()
    stage.publish(*(event(id=str(number)) for number in range(400)))
    sink.await_requests(400)
    ports = dying.local_ports()
    in_hand = {request.id for request in sink.requests if request.port in ports}
    assert 0 < len(in_hand) < 400
    dying.kill()
    released.set()
    eventually(lambda: Counter(sink.ids).keys() == {str(number) for number in range(400)})
    stage.await_settled("all")
    twice = {one for one, count in Counter(sink.ids).items() if count > 1}
    assert twice == in_hand
    assert max(Counter(sink.ids).values()) == 2


def test_a_trigger_is_edited_while_its_events_are_under_way(
    stage: Stage, sink: Sink, other_sink: Sink, tmp_path: Path, start: Start
) -> None:
    """Each event goes to the old subscriber or to the new one, once."""
    edited = threading.Event()
    sink.answer = lambda _: Answer() if edited.wait(60) else Answer(500)
    stage.trigger("all", sink)
    start(stage).await_ready()
    wanted = [str(number) for number in range(400)]
    stage.publish(*(event(id=one) for one in wanted))
    sink.await_requests(10)
    stage.objects.pop()
    stage.trigger("all", other_sink)
    (tmp_path / "manifests.yaml").write_text(yaml.safe_dump_all(stage.objects))
    eventually(lambda: bool(other_sink.ids))
    edited.set()
    stage.await_settled("all")
    assert sorted(map(str, sink.ids + other_sink.ids)) == sorted(wanted)
    assert sink.ids
    assert not stage.letters()


def test_poison_events_stop_no_others_even_if_they_are_the_most(stage: Stage, sink: Sink) -> None:
    """More events that always fail than may be under way at once."""
    sink.answer = lambda request: Answer(500 if str(request.id).startswith("poison") else 204)
    stage.trigger("all", sink, delivery={**QUICK, "retry": 100, "backoffDelay": "PT30S"})
    stage.start_bridge()
    stage.publish(*(event(id=f"poison-{number}") for number in range(100)))
    stage.publish(*(event(id=f"good-{number}") for number in range(100)))
    eventually(lambda: {f"good-{number}" for number in range(100)} <= set(sink.ids))
