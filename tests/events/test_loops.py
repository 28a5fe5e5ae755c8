"""Events that are answered with events that are answered: such a loop ends, and says so."""

import pytest
import requests

from tests.events.harness import Answer, Request, Sink, Stage, event

TTL = "ce-knativebrokerttl"
EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/test", "ce-type": "dev.test.happened"}


def echo(request: Request) -> Answer:
    """The same event again."""
    return Answer(200, {name: value for name, value in request.headers.items() if name.startswith("ce-")})


@pytest.fixture
def looping(stage: Stage, sink: Sink) -> Stage:
    """A Broker with a Trigger that answers each event with the same event."""
    sink.answer = echo
    stage.trigger("echo", sink)
    stage.start_bridge()
    return stage


def post(stage: Stage, ttl: str) -> int:
    return requests.post(stage.ingress, headers={**EVENT, TTL: ttl}, timeout=30).status_code


def test_a_loop_ends_after_as_many_rounds_as_in_knatives_own_broker(looping: Stage, sink: Sink) -> None:
    looping.publish(event())
    (letter,) = looping.await_letters(1)
    assert "in a loop" in letter.reason
    assert len(sink.requests) == 255


def test_what_comes_from_another_broker_has_the_rounds_that_are_left(looping: Stage, sink: Sink) -> None:
    assert post(looping, "6") == 202
    looping.await_letters(1)
    assert len(sink.requests) == 5


def test_a_subscriber_neither_sees_the_count_nor_sets_it(looping: Stage, sink: Sink) -> None:
    def again(request: Request) -> Answer:
        return Answer(200, {**echo(request).headers, TTL: "200"})

    sink.answer = again
    assert post(looping, "4") == 202
    looping.await_letters(1)
    assert len(sink.requests) == 3
    assert not any(TTL in request.headers for request in sink.requests)


@pytest.mark.parametrize("ttl", ["1", "0", "-7"])
def test_what_has_no_rounds_left_is_refused(looping: Stage, sink: Sink, ttl: str) -> None:
    assert post(looping, ttl) == 400
    assert not sink.requests


@pytest.mark.parametrize("ttl", ["many", "99999999999999999999"])
def test_a_count_that_is_none_or_too_much_gives_no_more_rounds(looping: Stage, sink: Sink, ttl: str) -> None:
    sink.answer = lambda _: Answer()
    assert post(looping, ttl) == 202
    sink.await_requests(1)
    (message,) = [looping.loop.run(looping.jetstream.get_msg(looping.stream_names.log, 1))]
    assert int((message.headers or {}).get(TTL, 255)) <= 255
