"""A Broker's log makes room: what every Trigger has acknowledged goes, and what keeps failing waits elsewhere."""

import threading
from contextlib import suppress

import nats.errors
import pytest
import requests
from nats.js.api import ConsumerConfig

from events.broker.streams import UID
from tests.events.conftest import Start
from tests.events.harness import Answer, Request, Sink, Stage, event
from tests.eventually import eventually

MAX_BYTES = 400_000
SIZE = 8_000  # bytes of an event's data
IDS = [str(number) for number in range(10 * MAX_BYTES // SIZE)]
SOME = IDS[:150]  # thrice what the log holds
ROOM = {"jetstream.ticketing.dev/max-bytes": str(MAX_BYTES), "jetstream.ticketing.dev/max-parked-bytes": "20000000"}
LATER = {"retry": 100, "backoffPolicy": "linear", "backoffDelay": "PT3S"}


def post(stage: Stage, *ids: str, size: int = SIZE) -> list[int]:
    """Send events to the Broker's ingress; return the status of each response."""
    headers = {"ce-specversion": "1.0", "ce-source": "/test", "ce-type": "dev.test.happened"}
    with requests.Session() as session:
        session.trust_env = False
        return [
            session.post(stage.ingress, b"x" * size, headers=headers | {"ce-id": one}, timeout=30).status_code
            for one in ids
        ]


@pytest.fixture
def small(stage: Stage) -> Stage:
    """A Broker whose log takes 50 events."""
    stage.broker(ROOM)
    return stage


def test_ten_times_what_the_log_holds(small: Stage, sink: Sink, other_sink: Sink) -> None:
    small.trigger("one", sink)
    small.trigger("other", other_sink)
    small.start_bridge()
    assert set(post(small, *IDS)) == {202}
    eventually(lambda: set(sink.ids) == set(other_sink.ids) == set(IDS))
    assert small.log_bytes() <= MAX_BYTES


def test_a_trigger_that_fails_and_one_that_is_down_hold_up_nothing(small: Stage, sink: Sink, other_sink: Sink) -> None:
    """And they get everything, once they work."""
    late = Sink()
    late.close()
    other_sink.answer = lambda _: Answer(500)
    small.trigger("sound", sink)
    small.trigger("failing", other_sink, delivery=LATER)
    small.trigger("down", late, delivery=LATER)
    small.start_bridge()
    assert set(post(small, *SOME)) == {202}
    eventually(lambda: set(sink.ids) == set(SOME))
    assert small.log_bytes() <= MAX_BYTES
    received = set[str | None]()
    other_sink.answer = lambda request: received.add(request.id) or Answer()  # type: ignore[func-returns-value]
    reopened = Sink(int(late.url.rstrip("/").rpartition(":")[2]))
    eventually(lambda: received == set(reopened.ids) == set(SOME))
    small.await_settled("failing")
    small.await_settled("down")
    reopened.close()
    assert not small.letters()


def test_a_subscriber_that_does_not_respond_holds_up_nothing(small: Stage, sink: Sink, other_sink: Sink) -> None:
    """Nor does it take as many as its concurrency in each timeout."""
    received, responds = set[str | None](), threading.Event()

    def hang(request: Request) -> Answer:
        if not responds.wait(2):
            return Answer(500)
        received.add(request.id)
        return Answer()

    other_sink.answer = hang
    small.trigger("sound", sink)
    concurrency = {"jetstream.ticketing.dev/concurrency": "2"}
    small.trigger("hanging", other_sink, concurrency, delivery={**LATER, "timeout": "PT1S"})
    small.start_bridge()
    assert set(post(small, *IDS[:80])) == {202}
    eventually(lambda: set(sink.ids) == set(IDS[:80]))
    eventually(lambda: small.parked("hanging") == 80)
    responds.set()
    eventually(lambda: received == set(IDS[:80]))
    small.await_settled("hanging")


def test_a_log_of_needed_events_refuses_the_ingress_first(small: Stage, sink: Sink) -> None:
    small.trigger("all", sink)
    small.start_bridge()
    small.fill(MAX_BYTES * 7 // 10)
    eventually(lambda: post(small, "early", size=MAX_BYTES // 10) == [503])
    small.publish(event(id="relayed"))
    eventually(lambda: "relayed" in sink.ids)
    with suppress(nats.errors.Error):  # relays go on until the end
        while True:
            small.fill(10_000)
    assert small.log_bytes() > MAX_BYTES * 0.9
    small.empty()
    eventually(lambda: post(small, "late", size=MAX_BYTES // 10) == [202])
    eventually(lambda: "late" in sink.ids)


def test_nothing_goes_that_a_trigger_needs_whose_subscriber_is_not_resolved(small: Stage, sink: Sink) -> None:
    small.trigger("all", sink)
    small.start_bridge()
    config = ConsumerConfig(durable_name="unresolved", metadata={UID: "of its Trigger"})
    small.loop.run(small.jetstream.add_consumer(small.stream_names.log, config))
    codes = post(small, *IDS[:41])
    assert codes == sorted(codes)
    stored = codes.count(202)
    assert 35 < stored < 41
    assert small.loop.run(small.jetstream.stream_info(small.stream_names.log)).state.messages == stored


def test_a_parked_event_is_retried_and_dead_lettered_as_its_delivery_says(stage: Stage, sink: Sink) -> None:
    sink.answer = lambda _: Answer(500)
    stage.trigger("all", sink, delivery={"retry": 2, "backoffDelay": "PT2.5S", "backoffPolicy": "linear"})
    stage.start_bridge()
    stage.publish(event(id="poison", subject="a"))
    eventually(lambda: stage.parked("all") == 1)
    (letter,) = stage.await_letters(1)
    assert [request.headers for request in sink.requests] == [sink.requests[0].headers] * 3
    assert (letter.log_sequence, letter.attempts, letter.headers["ce-id"]) == (1, 3, "poison")
    stage.await_settled("all")


def test_what_is_parked_outlives_the_bridge(stage: Stage, sink: Sink, start: Start) -> None:
    """Its failures count on, and another process delivers it."""
    sink.answer = lambda _: Answer(500)
    stage.trigger("all", sink, delivery={"retry": 1, "backoffDelay": "PT3S"})
    first = start(stage)
    first.await_ready()
    stage.publish(event(id="poison"))
    eventually(lambda: stage.parked("all") == 1)
    first.kill()
    second = start(stage)
    (letter,) = stage.await_letters(1)
    assert letter.headers["ce-id"] == "poison"
    assert len(sink.requests) == 2
    labels = '{broker="default",namespace="' + stage.stream_names.namespace + '",trigger="all"}'
    assert second.metrics()[f"bridge_parked_events{labels}"] == 0


def test_a_plain_message_is_the_same_event_when_it_was_parked(stage: Stage, sink: Sink) -> None:
    answers = [Answer(500)]
    sink.answer = lambda _: answers.pop() if answers else Answer()
    stage.trigger("all", sink, delivery={"retry": 1, "backoffDelay": "PT2.5S"})
    stage.start_bridge()
    stage.send(stage.stream_names.event("plain"), {"Nats-Msg-Id": "1", "Content-Type": "text/plain"}, b"data")
    first, second = sink.await_requests(2)
    assert (first.headers, first.body) == (second.headers, second.body)


def test_a_message_that_is_not_a_parked_event(stage: Stage, sink: Sink) -> None:
    """It is dead-lettered, and the others are delivered."""
    sink.answer = lambda _: Answer(500)
    stage.trigger("all", sink, delivery=LATER)
    stage.start_bridge()
    stage.publish(event(id="parked"))
    eventually(lambda: stage.parked("all") == 1)
    stage.send(stage.stream_names.parked("all"), {}, b"foreign")
    (letter,) = stage.await_letters(1)
    assert letter.data == b"foreign"
    sink.answer = lambda _: Answer()
    stage.await_settled("all")


def test_events_stay_in_the_log_beyond_what_may_be_parked(stage: Stage, sink: Sink) -> None:
    sink.answer = lambda _: Answer(500)
    stage.broker({"jetstream.ticketing.dev/max-parked-bytes": "10000"})
    stage.trigger("all", sink, delivery=LATER)
    stage.start_bridge()
    for number in range(5):
        stage.send(stage.stream_names.event(f"n{number}"), {}, b"x" * 4_000)
    sink.await_requests(5)
    eventually(lambda: stage.parked("all") == 2)
    sink.answer = lambda _: Answer()
    stage.await_settled("all")


def test_metrics_of_room(stage: Stage, sink: Sink, start: Start) -> None:
    sink.answer = lambda _: Answer(500)
    stage.trigger("all", sink, delivery={"retry": 1, "backoffDelay": "PT60S"})
    bridge = start(stage)
    bridge.await_ready()
    stage.publish(event())
    eventually(lambda: stage.parked("all") == 1)
    of_broker = f'broker="default",namespace="{stage.stream_names.namespace}"'
    eventually(lambda: f"bridge_log_fill_ratio{{{of_broker}}}" in bridge.metrics())
    seen = bridge.metrics()
    assert 0 < seen[f"bridge_log_fill_ratio{{{of_broker}}}"] < 0.01
    assert seen[f'bridge_parked_events{{{of_broker},trigger="all"}}'] == 1
    assert seen[f'bridge_lag_events{{{of_broker},trigger="all"}}'] == 1
    assert seen[f'bridge_oldest_undelivered_seconds{{{of_broker},trigger="all"}}'] > 0
