"""Dead letters on their way to the sink that a Trigger or its Broker asks for."""

from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.events.harness import QUICK, Answer, Sink, Stage, event, failing
from tests.eventually import eventually


@pytest.fixture
def brokers_sink() -> Iterator[Sink]:
    """Where the Broker wants dead letters."""
    with closing(Sink()) as sink:
        yield sink


def test_dead_letters_go_to_the_sink_that_was_asked_for(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    sink.answer = lambda _: Answer(422, body=b"never")
    stage.trigger("all", sink, delivery={**QUICK, "deadLetterSink": {"uri": other_sink.url}})
    stage.start_bridge()
    stage.publish(event(id="dead"))
    (request,) = other_sink.await_requests(1)
    assert request.id == "dead"
    assert request.headers["ce-knativeerrordest"] == sink.url
    assert request.headers["ce-knativeerrorcode"] == "422"
    assert b64decode(request.headers["ce-knativeerrordata"]) == b"never"
    assert "prefer" not in request.headers
    stage.await_settled("all")
    assert not stage.letters()


def test_a_dead_letter_sink_is_tried_as_often_as_the_subscriber(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    """One that is scaled to zero may answer 503 at first; the subscriber has no more to do with it."""
    sink.answer = lambda _: Answer(422, body=b"never")
    other_sink.answer = failing(2, Answer(503))
    stage.trigger("all", sink, delivery={**QUICK, "deadLetterSink": {"uri": other_sink.url}})
    stage.start_bridge()
    stage.publish(event(id="dead"))
    letters = other_sink.await_requests(3)
    stage.await_settled("all")
    assert [letter.headers["ce-knativeerrorcode"] for letter in letters] == ["422"] * 3
    assert sink.ids == ["dead"]
    assert not stage.letters()


def test_a_dead_letter_sink_that_is_down_delays_no_other_trigger(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    """More dead letters wait for it than may be under way at once."""
    sink.answer = lambda request: Answer(422 if str(request.id).startswith("poison") else 204)
    other_sink.answer = lambda _: Answer(503)
    delivery = {"retry": 1, "backoffDelay": "PT60S", "deadLetterSink": {"uri": other_sink.url}}
    stage.trigger("all", sink, delivery=delivery)
    stage.start_bridge()
    stage.publish(*(event(id=f"poison-{number}") for number in range(40)), event(id="good"))
    eventually(lambda: "good" in sink.ids)


@pytest.mark.parametrize(("status", "times"), [(400, 1), (503, 3)])
def test_dead_letters_are_kept_when_their_sink_fails(
    stage: Stage, sink: Sink, other_sink: Sink, status: int, times: int
) -> None:
    sink.answer, other_sink.answer = lambda _: Answer(400), lambda _: Answer(status)
    stage.trigger("all", sink, delivery={**QUICK, "deadLetterSink": {"uri": other_sink.url}})
    stage.start_bridge()
    stage.publish(event())
    (letter,) = stage.await_letters(1)
    assert letter.reason == f"answered 400; dead letter sink: answered {status}"
    assert len(other_sink.requests) == times


def test_the_delivery_of_a_trigger_replaces_its_brokers_as_a_whole(
    stage: Stage, sink: Sink, other_sink: Sink, brokers_sink: Sink
) -> None:
    sink.answer = lambda _: Answer(500)
    stage.broker(delivery={"retry": 2, "backoffDelay": "PT0.01S", "deadLetterSink": {"uri": brokers_sink.url}})
    stage.trigger("own", sink, delivery={"deadLetterSink": {"uri": other_sink.url}})
    stage.trigger("none", sink, delivery={"retry": 1, "backoffDelay": "PT0.01S"})
    stage.trigger("brokers", sink, delivery=None)
    stage.start_bridge()
    stage.publish(event(id="dead"))
    (letter,) = stage.await_letters(1)
    assert letter.trigger == "none"
    assert other_sink.await_requests(1)[0].id == "dead"
    assert brokers_sink.await_requests(1)[0].id == "dead"
    for trigger in ("own", "none", "brokers"):
        stage.await_settled(trigger)
    assert len(sink.requests) == 1 + 2 + 3
    assert len(other_sink.requests) == len(brokers_sink.requests) == len(stage.letters()) == 1
