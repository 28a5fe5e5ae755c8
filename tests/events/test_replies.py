"""Events that subscribers answer with."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from events.dispatcher import failures, replies
from events.runtime.publisher import MAX_EVENT
from tests.events.harness import Answer, Sink, Stage, event, failing
from tests.eventually import eventually

REPLY = {"ce-specversion": "1.0", "ce-id": "reply", "ce-source": "/replier", "ce-type": "dev.test.replied"}
STRUCTURED = {"specversion": "1.0", "id": "reply", "source": "/replier", "type": "dev.test.replied", "data": {"a": 1}}
JSON_EVENT = {"Content-Type": "application/cloudevents+json"}
HAPPENED = {"attributes": {"type": "dev.test.happened"}}
REPLIED = {"attributes": {"type": "dev.test.replied"}}


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def chained(stage: Stage, sink: Sink, other_sink: Sink, answer: Answer) -> None:
    """A Trigger that answers to dev.test.happened, and one that gets what it answers."""
    sink.answer = lambda _: answer
    stage.trigger("replier", sink, filter=HAPPENED)
    stage.trigger("listener", other_sink, filter=REPLIED)
    stage.start_bridge()


@pytest.mark.parametrize(
    ("answer", "received"),
    [
        (Answer(200, REPLY), b""),
        (Answer(200, {**REPLY, "Content-Type": "text/plain"}, b"data"), b"data"),
        (Answer(201, JSON_EVENT, json.dumps(STRUCTURED).encode()), b'{"a": 1}'),
    ],
)
def test_a_reply_is_an_event_like_any_other(
    stage: Stage, sink: Sink, other_sink: Sink, answer: Answer, received: bytes
) -> None:
    chained(stage, sink, other_sink, answer)
    stage.publish(event())
    (request,) = other_sink.await_requests(1)
    assert REPLY.items() <= request.headers.items()
    assert request.body == received
    stage.await_settled("replier")
    assert len(sink.requests) == 1


def test_a_reply_may_be_of_version_03(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    chained(stage, sink, other_sink, Answer(200, {**REPLY, "ce-specversion": "0.3"}))
    stage.publish(event())
    assert other_sink.await_requests(1)[0].headers["ce-specversion"] == "0.3"


def test_a_reply_may_carry_its_parents_id_and_source(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    chained(stage, sink, other_sink, Answer(200, {**REPLY, "ce-id": "same", "ce-source": "/test"}))
    stage.publish(event(id="same"), event(id="same", source="/elsewhere"))
    assert {request.id for request in other_sink.await_requests(2)} == {"same"}


def test_a_reply_that_jetstream_drops_as_a_duplicate_is_logged(
    stage: Stage, sink: Sink, other_sink: Sink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It should not happen: the key names the message that the reply responds to."""
    monkeypatch.setattr(replies, "identity", lambda *_: "one key for all")
    chained(stage, sink, other_sink, Answer(200, REPLY))
    stage.publish(event(), event())
    eventually(lambda: "JetStream dropped a reply as a duplicate" in caplog.text)
    assert other_sink.ids == ["reply"]


def test_an_event_that_comes_with_a_202_is_no_reply(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    chained(stage, sink, other_sink, Answer(202, REPLY))
    stage.publish(event())
    sink.await_requests(1)
    stage.await_settled("replier")
    assert not other_sink.requests
    assert not stage.letters()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(200, {"Content-Type": "text/plain"}, b"OK"), "reply: neither empty nor a CloudEvent"),
        (Answer(200, {**REPLY, "ce-id": ""}), "reply: attribute id is missing"),
        (Answer(200, JSON_EVENT, b"[]"), "reply: payload is not a JSON object"),
        (Answer(200, {**REPLY, "ce-notbefore": "tomorrow"}), "reply: notbefore is not an RFC 3339 timestamp"),
        (
            Answer(200, {**REPLY, "ce-notbefore": "2026-01-01T00:00:00"}),
            "reply: notbefore is not an RFC 3339 timestamp",
        ),
        (Answer(200, REPLY, b"x" * MAX_EVENT), "message is too large"),
        (Answer(200, REPLY, b"x" * 10_000_000), "the response is larger than any event"),
    ],
)
def test_an_answer_that_is_no_proper_reply_is_a_failure(stage: Stage, sink: Sink, answer: Answer, reason: str) -> None:
    sink.answer = lambda _: answer
    stage.trigger("replier", sink, filter=HAPPENED)
    stage.start_bridge()
    stage.publish(event())
    (letter,) = stage.await_letters(1)
    assert reason in letter.reason
    assert len(sink.requests) == 3


def test_half_an_answer_is_a_failure(stage: Stage, sink: Sink) -> None:
    sink.answer = lambda _: Answer(200, {**REPLY, "Content-Length": "1000", "Connection": "close"}, b"half")
    stage.trigger("replier", sink, filter=HAPPENED)
    stage.start_bridge()
    stage.publish(event())
    stage.await_letters(1)
    assert len(sink.requests) == 3


def test_a_service_speaks_for_itself_only(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    stage.broker({"jetstream.ticketing.dev/reserved-sources": "/ticketing/ /other/"})
    chained(stage, sink, other_sink, Answer(200, {**REPLY, "ce-source": "%2Fticketing%2Forders"}))
    stage.publish(event())
    (letter,) = stage.await_letters(1)
    assert letter.reason == f"reply: source '/ticketing/orders' is reserved by this Broker; {sink.url} must not use it"
    assert not other_sink.requests


def test_a_reply_is_held_back_until_it_is_due(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    due = soon(1)
    chained(stage, sink, other_sink, Answer(200, {**REPLY, "ce-notbefore": due, "Content-Type": "a/b"}, b"data"))
    stage.publish(event())
    (request,) = other_sink.await_requests(1)
    assert datetime.now(UTC) >= datetime.fromisoformat(due)
    assert request.headers["ce-notbefore"] == due
    assert request.headers["content-type"] == "a/b"
    assert request.body == b"data"


def test_a_reply_that_is_due_already_goes_out_at_once(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    chained(stage, sink, other_sink, Answer(200, {**REPLY, "ce-notbefore": "2001-01-01T00:00:00+01:00"}))
    stage.publish(event())
    other_sink.await_requests(1)


def test_scheduled_replies_of_odd_types_come_too(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    sink.answer = lambda _: Answer(200, {**REPLY, "ce-type": "odd%20..%2A", "ce-notbefore": soon(0.5)})
    stage.trigger("replier", sink, filter=HAPPENED)
    stage.trigger("listener", other_sink, filter={"attributes": {"type": "odd ..*"}})
    stage.start_bridge()
    stage.publish(event(), event())
    assert other_sink.await_requests(2)[0].headers["ce-type"] == "odd%20..*"


def test_nothing_is_acknowledged_while_its_reply_cannot_be_stored(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    """The log is full, and refuses the reply; once there is room the event is delivered again."""
    sink.answer = lambda _: Answer(200, REPLY, b"x" * 200_000)
    stage.broker({"jetstream.ticketing.dev/max-bytes": "400000"})
    stage.trigger("replier", sink, filter=HAPPENED)
    stage.trigger("listener", other_sink, filter=REPLIED)
    stage.start_bridge()
    stage.fill(300_000)
    stage.publish(event())
    sink.await_requests(2)
    assert not other_sink.requests
    stage.empty()
    other_sink.await_requests(1)
    stage.await_settled("replier")


def test_what_fails_on_our_side_is_tried_before_the_log_forgets(
    stage: Stage, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log, which keeps it for a week, refuses a reply while it is full."""
    monkeypatch.setattr(failures, "_MAX_OWN_DELAY", 0.1)
    sink.answer = failing(1, Answer(200, REPLY, b"x" * 200_000))
    stage.broker({"jetstream.ticketing.dev/max-bytes": "400000"})
    stage.trigger("replier", sink, filter=HAPPENED, delivery={"retry": 1, "backoffDelay": "P8D"})
    stage.start_bridge()
    stage.fill(300_000)
    stage.publish(event())
    sink.await_requests(2)
    stage.await_settled("replier")


def test_what_fails_on_our_side_is_no_attempt_of_the_subscribers(stage: Stage, sink: Sink) -> None:
    """The log refuses more replies than there are retries; then the subscriber fails for the first time."""
    answers = [Answer(200, REPLY, b"x" * 200_000)] * 5 + [Answer(503)]
    sink.answer = lambda _: answers.pop(0) if answers else Answer()
    stage.broker({"jetstream.ticketing.dev/max-bytes": "400000"})
    stage.trigger("replier", sink, filter=HAPPENED)
    stage.start_bridge()
    stage.fill(300_000)
    stage.publish(event())
    sink.await_requests(7)
    stage.await_settled("replier")
    assert not stage.letters()


@pytest.mark.slow
def test_a_schedule_survives_a_full_log(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    stage.broker({"jetstream.ticketing.dev/max-bytes": "400000"})
    chained(stage, sink, other_sink, Answer())
    sink.answer = lambda _: Answer(200, {**REPLY, "ce-notbefore": soon(3)}, b"x" * 200_000)
    stage.fill(300_000)
    stage.publish(event())
    stage.await_settled("replier")
    time.sleep(4)
    assert not other_sink.requests
    stage.empty()
    other_sink.await_requests(1)
