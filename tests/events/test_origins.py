"""Only a service itself sends events of its source: others cannot through the ingress, in a reply or through NATS."""

import json

import pytest
import requests

from events.cloudevents.messages import read_row
from tests.events.harness import Answer, Headers, Sink, Stage, event

TYPE = "dev.test.paid"
ATTRIBUTES = {"specversion": "1.0", "id": "forged", "type": TYPE}
BINARY = {f"ce-{name}": value for name, value in ATTRIBUTES.items()}
JSON_EVENT = {"Content-Type": "application/cloudevents+json"}
ESCAPED = json.dumps({**ATTRIBUTES, "source": "/ticketing/orders"}).replace("/t", "\\u002ft").encode()

FORGERIES = [
    ({**BINARY, "ce-source": "/ticketing/orders"}, b""),
    ({**BINARY, "CE-SOURCE": "/ticketing/orders"}, b""),
    ({**BINARY, "ce-source": "%2Fticketing%2forders"}, b""),
    ({**BINARY, "ce-source": '"/ticketing/orders"'}, b""),
    ({**BINARY, "ce-source": '"\\/ticketing/orders"'}, b""),
    ({**BINARY, "ce-source": "/ticketing/"}, b""),
    (JSON_EVENT, json.dumps({**ATTRIBUTES, "source": "/ticketing/orders"}).encode()),
    (JSON_EVENT, ESCAPED),
    (JSON_EVENT, ESCAPED.replace(b"source", b"\\u0073ource")),
    ({**JSON_EVENT, **BINARY, "ce-source": "/harmless"}, ESCAPED),
    ({**BINARY, "ce-source": "/%2574icketing/orders"}, b""),  # a receiver may take it for the same URI
    ({**BINARY, "ce-source": "/harmless/../ticketing/orders"}, b""),
    ({**BINARY, "ce-source": "/./ticketing//orders"}, b""),
]


@pytest.fixture
def listening(stage: Stage, other_sink: Sink) -> Stage:
    """A Broker that reserves `/ticketing/`, and a Trigger that gives all of that type to the other sink."""
    stage.broker({"jetstream.ticketing.dev/reserved-sources": "/ticketing/"})
    stage.trigger("listener", other_sink, filters=[{"prefix": {"type": "dev.test.pai"}}])
    return stage


@pytest.mark.parametrize(("headers", "data"), FORGERIES)
def test_the_ingress_takes_none(listening: Stage, other_sink: Sink, headers: Headers, data: bytes) -> None:
    listening.start_bridge()
    answer = requests.post(listening.ingress, headers=dict(headers), data=data, timeout=30)
    assert answer.status_code == 403
    assert "is reserved by this Broker" in answer.text
    listening.await_settled("listener")
    assert not other_sink.requests


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("function", ["payments-fake", "orders", "ordersfake-x", None])
def test_no_other_function_answers_with_one(
    listening: Stage, sink: Sink, other_sink: Sink, forgery: tuple[Headers, bytes], function: str | None
) -> None:
    sink.answer = lambda _: Answer(200, *forgery)
    subscriber = listening.function(function, sink) if function else {"uri": sink.url}
    listening.trigger("forger", sink, filter={"attributes": {"type": "dev.test.happened"}}, subscriber=subscriber)
    listening.start_bridge()
    listening.publish(event())
    (letter,) = listening.await_letters(1)
    assert "is reserved by this Broker" in letter.reason
    listening.await_settled("listener")
    assert not other_sink.requests


def test_a_function_speaks_for_its_own_service(listening: Stage, sink: Sink, other_sink: Sink) -> None:
    sink.answer = lambda _: Answer(200, {**BINARY, "ce-source": "/ticketing/orders"})
    subscriber = listening.function("orders-expire", sink)
    listening.trigger("replier", sink, filter={"attributes": {"type": "dev.test.happened"}}, subscriber=subscriber)
    listening.start_bridge()
    listening.publish(event())
    assert other_sink.await_requests(1)[0].id == "forged"


def test_who_may_publish_one_type_on_nats_forges_no_other(listening: Stage, other_sink: Sink) -> None:
    """Permissions on NATS are for subjects, so a reserved source is believed on the subject of its own type only."""
    listening.start_bridge()
    forged = read_row(event(TYPE, id="forged", source="/ticketing/orders"))
    listening.send(listening.stream_names.event("dev.test.other"), forged.message_headers(), forged.data)
    listening.publish(event(TYPE, id="true", source="/ticketing/orders"))
    listening.await_settled("listener")
    assert other_sink.ids == ["true"]
    (letter,) = listening.letters()
    assert "on a subject of another type" in letter.reason


def test_no_event_takes_the_place_of_a_reply_beforehand(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    """Not even with an event whose source and id are what makes a reply unique."""
    sink.answer = lambda _: Answer(200, {**BINARY, "ce-id": "reply", "ce-source": "/replier"})
    stage.trigger("replier", sink, filter={"attributes": {"type": "dev.test.happened"}})
    stage.trigger("listener", other_sink, filter={"attributes": {"type": TYPE}})
    stage.start_bridge()
    taken = {**BINARY, "ce-type": "dev.test.other", "ce-source": "replier", "ce-id": "2"}
    assert requests.post(stage.ingress, headers=taken, timeout=30).status_code == 202
    stage.publish(event())  # the second in the log
    assert other_sink.await_requests(1)[0].id == "reply"
