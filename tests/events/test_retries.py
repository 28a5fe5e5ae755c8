"""How often the bridge tries a subscriber, and how long it waits."""

import time

import pytest

from events.dispatcher import failures
from tests.events.harness import ACK_WAIT_SECONDS, QUICK, Answer, Request, Sink, Stage, event
from tests.eventually import eventually


def test_giving_up_after_the_retries(stage: Stage, sink: Sink) -> None:
    sink.answer = lambda _: Answer(500)
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event())
    (letter,) = stage.await_letters(1)
    assert letter.reason == "answered 500"
    assert len(sink.requests) == 1 + QUICK["retry"]  # type: ignore[operator]


def test_giving_up_before_the_log_removes_the_event(stage: Stage, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though retries are left: an event that the log has removed cannot be dead-lettered."""
    monkeypatch.setattr(failures, "_LAST_ATTEMPT", 0.0)
    sink.answer = lambda _: Answer(500)
    stage.trigger("all", sink, delivery={**QUICK, "retry": 1_000_000})
    stage.start_bridge()
    stage.publish(event())
    (letter,) = stage.await_letters(1)
    assert letter.reason == "answered 500"
    assert len(sink.requests) == 1


def test_retrying_when_the_connection_is_refused(stage: Stage, sink: Sink) -> None:
    stage.trigger("all", sink, subscriber={"uri": "http://127.0.0.1:9/"})
    stage.start_bridge()
    stage.publish(event())
    (letter,) = stage.await_letters(1)
    assert "ce-knativeerrorcode" not in letter.headers
    assert letter.reason == "connection failed: Connection refused"


def test_the_retries_of_a_broker_hold_for_triggers_without_their_own(stage: Stage, sink: Sink) -> None:
    sink.answer = lambda _: Answer(500)
    stage.broker(delivery={"retry": 1, "backoffDelay": "PT0.01S"})
    stage.trigger("all", sink, delivery=None)
    stage.start_bridge()
    stage.publish(event())
    stage.await_letters(1)
    assert len(sink.requests) == 2


def test_waiting_as_long_as_the_subscriber_asks(stage: Stage, sink: Sink) -> None:
    asked: list[float] = []

    def later(_: Request) -> Answer:
        asked.append(time.monotonic())
        return Answer(503, {"Retry-After": "1"}) if len(asked) == 1 else Answer()

    sink.answer = later
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event())
    sink.await_requests(2)
    eventually(lambda: len(asked) == 2)
    assert asked[1] - asked[0] > 0.8


@pytest.mark.slow
def test_a_slow_answer_is_waited_for_and_not_asked_for_twice(stage: Stage, sink: Sink) -> None:
    def slowly(_: Request) -> Answer:
        time.sleep(ACK_WAIT_SECONDS + 2)  # longer than JetStream waits without a sign of life
        return Answer()

    sink.answer = slowly
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event())
    stage.await_settled("all")
    assert len(sink.requests) == 1


def test_an_answer_that_takes_longer_than_the_timeout_is_a_failure(stage: Stage, sink: Sink) -> None:
    def slowly(_: Request) -> Answer:
        time.sleep(0.5)
        return Answer()

    sink.answer = slowly
    stage.trigger("all", sink, delivery={"retry": 0, "timeout": "PT0.1S"})
    stage.start_bridge()
    stage.publish(event())
    (letter,) = stage.await_letters(1)
    assert letter.reason == "no answer within 0.1 s"
