"""Each message published on a Broker's subject becomes an event, or a dead letter that says why not."""

import json

import pytest

from tests.events.harness import Headers, Sink, Stage, event

BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/test", "ce-type": "dev.test.happened"}
STRUCTURED = {"specversion": "1.0", "id": "1", "source": "/test", "type": "dev.test.happened"}
JSON_EVENT = {"Content-Type": "application/cloudevents+json; charset=utf-8"}


def without(name: str) -> Headers:
    return {key: value for key, value in BINARY.items() if key != name}


def structured(**members: object) -> bytes:
    return json.dumps({**STRUCTURED, **members}).encode()


@pytest.mark.parametrize(
    ("headers", "data", "received"),
    [
        (BINARY, b"x", (None, b"x")),
        ({**BINARY, "ce-datacontenttype": "text/plain;%20charset=utf-8"}, b"x", ("text/plain; charset=utf-8", b"x")),
        ({**BINARY, "Content-Type": "image/png"}, b"\x89\xff", ("image/png", b"\x89\xff")),
        ({key.upper(): value for key, value in BINARY.items()}, b"", (None, b"")),
        ({**BINARY, "ce-note": '"say \\"ü\\""'}, b"", (None, b"")),
        ({}, structured(data={"a": 1.50}), ("application/json", b'{"a": 1.5}')),
        (JSON_EVENT, structured(data="text", datacontenttype="text/plain"), ("text/plain", b"text")),
        (JSON_EVENT, structured(data="text"), ("application/json", b'"text"')),
        (JSON_EVENT, structured(data_base64="/w==", datacontenttype="image/png"), ("image/png", b"\xff")),
        (JSON_EVENT, structured(extension=None, flag=True), (None, b"")),
    ],
)
def test_taking_cloudevents_in_every_mode(
    stage: Stage, sink: Sink, headers: Headers, data: bytes, received: tuple[str | None, bytes]
) -> None:
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.send(stage.stream_names.event("dev.test.happened"), headers, data)
    (request,) = sink.await_requests(1)
    assert (request.headers.get("content-type"), request.body) == received
    assert BINARY.items() <= request.headers.items()


@pytest.mark.parametrize(
    ("headers", "data", "content_type"),
    [
        ({}, b'{"a": 1}', "application/json"),
        ({}, b"hello", "text/plain; charset=utf-8"),
        ({}, b"{not json", "text/plain; charset=utf-8"),
        ({}, b"\xff\xfe", "application/octet-stream"),
        ({}, b'"\xff"', "application/octet-stream"),
        ({}, b"", None),
        ({"content-type": "text/csv", "X-Other": "1"}, b"a,b", "text/csv"),
    ],
)
def test_wrapping_what_is_no_cloudevent(
    stage: Stage, sink: Sink, headers: Headers, data: bytes, content_type: str | None
) -> None:
    stage.trigger("all", sink, filters=[{"exact": {"type": "some legacy..type"}}])
    stage.start_bridge()
    stage.send(stage.stream_names.event("some legacy..type"), headers, data)
    (request,) = sink.await_requests(1)
    assert request.headers["ce-type"] == "some%20legacy..type"
    assert request.headers["ce-id"] == f"{stage.stream_names.log}-1"
    assert request.headers["ce-source"] == f"/nats/streams/{stage.stream_names.log}"
    assert request.headers.get("content-type") == content_type
    assert request.body == data


@pytest.mark.parametrize(
    ("headers", "data", "reason"),
    [
        (without("ce-id"), b"", "attribute id is missing"),
        (without("ce-source"), b"", "attribute source is missing"),
        (without("ce-type"), b"", "attribute type is missing"),
        (without("ce-specversion"), b"", "attribute specversion is missing"),
        ({**BINARY, "ce-id": ""}, b"", "attribute id is missing"),
        ({**BINARY, "ce-specversion": "0.2"}, b"", "specversion is '0.2', expected 1.0 or 0.3"),
        ({**BINARY, "ce-subject": "100%"}, b"", "percent-encoding is broken"),
        ({**BINARY, "ce-subject": "%zz"}, b"", "percent-encoding is broken"),
        ({**BINARY, "ce-subject": "%C0%A0"}, b"", "percent-encoded bytes are not UTF-8"),
        ({**BINARY, "ce-subject": "a%0D%0AX-Evil:%201"}, b"", "a control character, or bytes that are not UTF-8"),
        (
            {**BINARY, "ce-datacontenttype": "a/b%0D%0AX-Evil:%201"},
            b"",
            "a control character, or bytes that are not UTF-8",
        ),
        ({**BINARY, "Content-Type": "a/b\x01"}, b"", "a control character, or bytes that are not UTF-8"),
        ({**BINARY, "ce-bad-name": "x"}, b"", "not an attribute's name: 'bad-name'"),
        (JSON_EVENT, b"nonsense", "payload is not a JSON object"),
        (JSON_EVENT, b"[]", "payload is not a JSON object"),
        (JSON_EVENT, b'{"specversion": "1.0", "id": "\xff"}', "payload is not a JSON object"),
        (JSON_EVENT, b"[" * 100_000, "payload is not a JSON object"),
        (JSON_EVENT, b"{}", "attribute id is missing"),
        ({}, b'{"specversion": "1.0"}', "attribute id is missing"),
        (JSON_EVENT, structured(specversion="2.0"), "specversion is '2.0', expected 1.0 or 0.3"),
        (
            JSON_EVENT,
            structured(extension={"nested": 1}),
            "attribute 'extension' is not a string, a boolean or an integer",
        ),
        (
            JSON_EVENT,
            structured(extension=1.5),
            "attribute 'extension' is not a string, a boolean or an integer",
        ),
        (JSON_EVENT, structured(data_base64="?"), "data_base64 is not base64"),
        ({"Content-Type": "application/cloudevents-batch+json"}, b"[]", "is supported"),
        ({"Content-Type": "application/cloudevents+avro"}, b"", "is supported"),
    ],
)
def test_what_is_no_proper_cloudevent_is_a_dead_letter(
    stage: Stage, sink: Sink, headers: Headers, data: bytes, reason: str
) -> None:
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.send(stage.stream_names.event("dev.test.happened"), headers, data)
    stage.publish(event(id="good"))
    (letter,) = stage.await_letters(1)
    assert reason in letter.reason
    assert letter.data == data
    sink.await_requests(1)
    stage.await_settled("all")
    assert sink.ids == ["good"]


def test_a_type_may_differ_from_its_subject(stage: Stage, sink: Sink) -> None:
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.send(stage.stream_names.event("other"), BINARY, b"")
    assert sink.await_requests(1)[0].headers["ce-type"] == "dev.test.happened"


def test_a_header_in_plain_utf8_is_encoded(stage: Stage, sink: Sink) -> None:
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.send(stage.stream_names.event("x"), {**BINARY, "ce-subject": "grün"}, b"")
    assert sink.await_requests(1)[0].headers["ce-subject"] == "gr%C3%BCn"


@pytest.mark.parametrize(
    "block",
    [
        b"NATS/1.0\r\nce-specversion: 1.0\r\nce-id: \xff\xfe\r\nce-source: /s\r\nce-type: t\r\n\r\n",
        b"NATS/1.0 \xff\xff\xff\r\n\r\n",
        b"NATS/1.0 503\r\n\r\n",
        b"\r\n\r\n",
        b"NATS/1.0\r\nnonsense\r\n\r\n",
        b"NATS/1.0\r\nce-id: 1\r\n folded: line\r\n\r\n",
        b"NATS/1.0\r\nce-id: " + b"\xff" * 300_000 + b"\r\n\r\n",
        b"NATS/1.0\r\n" + b"".join(b"ce-a%d: x\r\n" % n for n in range(10_000)) + b"\r\n",
        b"NATS/1.0\r\nNats-Schedule: @at 2099-01-01T00:00:00Z\r\nce-id: 1\r\nNats-Rollup: all\r\n\r\n",
    ],
)
def test_hostile_headers_stop_nothing(stage: Stage, sink: Sink, block: bytes) -> None:
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.send_raw(stage.stream_names.event("hostile").encode(), block, b"data")
    stage.publish(event(id="good"))
    sink.await_requests(1)
    stage.await_settled("all")
    assert "good" in sink.ids


@pytest.mark.parametrize("token", [b"\xff\xfe", b"%", b"%zz", b"*", b"x" * 3000, b"a\x0bb", b"a\x0cb", b"a\x00b"])
def test_hostile_subjects_stop_nothing(stage: Stage, sink: Sink, token: bytes) -> None:
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.send_raw(stage.stream_names.event("x.").replace("%2E", ".").encode() + token, b"", b"data")
    stage.publish(event(id="good"))
    sink.await_requests(1)
    stage.await_settled("all")
    assert "good" in sink.ids


def test_headers_that_are_too_large_for_the_subscriber_are_its_to_refuse(stage: Stage, sink: Sink) -> None:
    stage.trigger("all", sink)
    stage.start_bridge()
    many = {f"ce-a{n}": "x" for n in range(200)}
    stage.send(stage.stream_names.event("x"), {**BINARY, **many}, b"")
    stage.publish(event(id="good"))
    (letter,) = stage.await_letters(1)
    assert letter.reason == "answered 431"
    assert many.items() <= letter.headers.items()
    sink.await_requests(1)


def test_headers_that_are_too_large_for_a_dead_letter_are_refused_at_once(stage: Stage, sink: Sink) -> None:
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.send(stage.stream_names.event("x"), {**BINARY, "ce-subject": "x" * 60_000}, b"")
    (letter,) = stage.await_letters(1)
    assert "attributes take more" in letter.reason
    assert not sink.requests
