"""What a subscriber gets, and what it does not."""

import json

import pytest
from msgspec.structs import replace

from events.cloudevents.messages import read_row
from tests.events.harness import QUICK, Answer, Sink, Stage, event


def test_delivering_an_event_in_binary_mode(stage: Stage, sink: Sink) -> None:
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event(id="1", subject="Zürich 100%", extension=7, data={"title": "Grüße"}))
    request = sink.await_requests(1)[0]
    assert request.body == '{"title":"Grüße"}'.encode()
    assert request.headers["content-type"] == "application/json"
    assert request.headers["prefer"] == "reply"
    assert {name: value for name, value in request.headers.items() if name.startswith("ce-")} == {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/test",
        "ce-type": "dev.test.happened",
        "ce-subject": "Z%C3%BCrich%20100%25",
        "ce-extension": "7",
    }
    stage.await_settled("all")


@pytest.mark.parametrize(
    ("content_type", "data", "members"),
    [
        ("application/json", b'{"n":1.50}', {"datacontenttype": "application/json", "data": {"n": 1.5}}),
        (None, b"7", {"data": 7}),
        ("text/plain", b"caf\xc3\xa9", {"datacontenttype": "text/plain", "data": "caf\u00e9"}),
        ("application/json", b"no json", {"datacontenttype": "application/json", "data_base64": "bm8ganNvbg=="}),
        ("image/png", b"\x89\xff", {"datacontenttype": "image/png", "data_base64": "if8="}),
        (None, b"", {}),
    ],
)
def test_delivering_an_event_in_structured_mode(
    stage: Stage, sink: Sink, content_type: str | None, data: bytes, members: dict[str, object]
) -> None:
    stage.trigger("all", sink, delivery={**QUICK, "format": "json"})
    stage.start_bridge()
    made = read_row(event(id="1", subject="Z\u00fcrich 100%"))
    stage.send(stage.stream_names.event("x"), replace(made, content_type=content_type).message_headers(), data)
    (request,) = sink.await_requests(1)
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert not any(name.startswith("ce-") for name in request.headers)
    attributes = {"specversion": "1.0", "id": "1", "source": "/test", "type": "dev.test.happened"}
    assert json.loads(request.body) == {**attributes, "subject": "Z\u00fcrich 100%", **members}
    stage.await_settled("all")


def test_telling_the_namespace_of_the_trigger(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    """As Knative's own Broker does, of dead letters too."""
    sink.answer = lambda _: Answer(400)
    stage.trigger("all", sink, delivery={**QUICK, "deadLetterSink": {"uri": other_sink.url}})
    stage.start_bridge()
    stage.publish(event())
    received = sink.await_requests(1) + other_sink.await_requests(1)
    assert {request.headers["kn-namespace"] for request in received} == {stage.stream_names.namespace}


@pytest.mark.parametrize(
    ("filters", "reached"),
    [([{"exact": {"type": "dev.test.wanted"}}], 1), ([{"prefix": {"type": "dev.test.wanted"}}], 51)],
)
def test_an_event_without_a_subscriber_costs_no_request(
    stage: Stage, sink: Sink, filters: list[object], reached: int
) -> None:
    """And where exact types are filtered it does not even come out of JetStream."""
    stage.trigger("some", sink, filters=filters)
    stage.start_bridge()
    stage.publish(*(event("dev.test.other") for _ in range(50)), event("dev.test.wanted", id="wanted"))
    sink.await_requests(1)
    stage.await_settled("some")
    assert sink.ids == ["wanted"]
    info = stage.loop.run(stage.jetstream.consumer_info(stage.stream_names.log, stage.stream_names.consumer("some")))
    assert info.delivered is not None
    assert info.delivered.consumer_seq == reached
