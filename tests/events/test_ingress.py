"""The ingress: what it accepts, what it rejects and with which response."""

import gzip
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests

from events.runtime.publisher import MAX_EVENT
from tests.events.harness import Headers, Sink, Stage

EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/test", "ce-type": "dev.test.happened"}
STRUCTURED = {"specversion": "1.0", "id": "1", "source": "/test", "type": "dev.test.happened"}
JSON_EVENT = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
LONG_TYPE = "text/plain;" + " " * 20_000 + "x"  # each space takes three bytes when it is percent-encoded


@pytest.fixture
def broker(stage: Stage, sink: Sink) -> Stage:
    """A Broker that gives everything to the sink."""
    stage.trigger("all", sink)
    stage.start_bridge()
    return stage


def post(stage: Stage, headers: Headers, data: bytes | Iterator[bytes] = b"") -> requests.Response:
    return requests.post(stage.ingress, headers=dict(headers), data=data, timeout=30)


def without(name: str) -> Headers:
    return {key: value for key, value in EVENT.items() if key != name}


def test_an_event_in_binary_mode_arrives_as_it_was_sent(broker: Stage, sink: Sink) -> None:
    given = {**EVENT, "ce-subject": "Z%C3%BCrich%20100%25", "ce-extension": "7", "Content-Type": "text/plain"}
    assert post(broker, given, b"data").status_code == 202
    (request,) = sink.await_requests(1)
    assert {name.lower(): value for name, value in given.items()}.items() <= request.headers.items()
    assert request.body == b"data"


def test_an_event_in_structured_mode_arrives(broker: Stage, sink: Sink) -> None:
    body = json.dumps({**STRUCTURED, "subject": "Zürich", "data": {"a": 1.50}}).encode()
    assert post(broker, JSON_EVENT, body).status_code == 202
    (request,) = sink.await_requests(1)
    assert request.headers["ce-subject"] == "Z%C3%BCrich"
    assert request.headers["content-type"] == "application/json"
    assert request.body == b'{"a": 1.5}'


def test_data_whose_type_is_null_is_json(broker: Stage, sink: Sink) -> None:
    """As it is without a type: null is absent."""
    assert post(broker, JSON_EVENT, json.dumps({**STRUCTURED, "datacontenttype": None, "data": 1}).encode()).ok
    assert sink.await_requests(1)[0].headers["content-type"] == "application/json"


def test_a_content_coding_is_not_supported(broker: Stage) -> None:
    response = post(broker, {**EVENT, "Content-Encoding": "gzip"}, gzip.compress(b"data"))
    assert (response.status_code, response.headers["Accept-Encoding"]) == (415, "identity")


def test_an_event_of_version_03_arrives_as_it_was_sent(broker: Stage, sink: Sink) -> None:
    """Knative's conformance tests ask that of a Broker."""
    given = {**EVENT, "ce-specversion": "0.3", "ce-schemaurl": "http://example.com/schema", "Content-Type": "text/json"}
    assert post(broker, given, b'"data"').status_code == 202
    (request,) = sink.await_requests(1)
    assert {name.lower(): value for name, value in given.items()}.items() <= request.headers.items()
    assert request.body == b'"data"'


@pytest.mark.parametrize(
    ("members", "data"),
    [({"data": {"a": 1}}, b'{"a": 1}'), ({"data": "/wA=", "datacontentencoding": "base64"}, b"\xff\x00")],
)
@pytest.mark.parametrize("structured", [False, True])
def test_a_structured_event_of_version_03_arrives(
    stage: Stage, sink: Sink, members: dict[str, object], data: bytes, *, structured: bool
) -> None:
    stage.trigger("all", sink, delivery={"format": "json" if structured else "binary"})
    stage.start_bridge()
    sent = {**STRUCTURED, "specversion": "0.3", "datacontenttype": "application/json", **members}
    assert post(stage, JSON_EVENT, json.dumps(sent).encode()).status_code == 202
    (request,) = sink.await_requests(1)
    if structured:
        assert json.loads(request.body) == sent
    else:
        assert (request.headers["ce-specversion"], request.body) == ("0.3", data)
        assert "ce-datacontentencoding" not in request.headers


@pytest.mark.parametrize(
    "time", ["2016-12-31T23:59:60Z", "2020-07-06t09:23:12.123456789z", "2020-07-06T09:23:12+02:00"]
)
def test_every_form_of_a_time_is_taken_and_kept(broker: Stage, sink: Sink, time: str) -> None:
    assert post(broker, {**EVENT, "ce-time": time}).status_code == 202
    assert sink.await_requests(1)[0].headers["ce-time"] == time


def test_headers_that_make_no_event_go_no_further(broker: Stage, sink: Sink) -> None:
    """Those that tell JetStream what to do with a message above all."""
    post(broker, {**EVENT, "Nats-Schedule": "@at 2099-01-01T00:00:00Z", "Nats-Rollup": "all", "X-Other": "1"})
    (request,) = sink.await_requests(1)
    assert not {"nats-schedule", "nats-rollup", "x-other"} & request.headers.keys()


@pytest.mark.parametrize(
    ("headers", "data", "reason"),
    [
        ({}, b"", "neither headers that begin with ce- nor content type application/cloudevents+json"),
        ({}, json.dumps(STRUCTURED).encode(), "neither headers that begin with ce-"),
        ({"Content-Type": "application/json"}, json.dumps(STRUCTURED).encode(), "neither headers"),
        (without("ce-id"), b"", "attribute id is missing"),
        (without("ce-source"), b"", "attribute source is missing"),
        (without("ce-type"), b"", "attribute type is missing"),
        (without("ce-specversion"), b"", "attribute specversion is missing"),
        ({**EVENT, "ce-id": ""}, b"", "attribute id is missing"),
        ({**EVENT, "ce-specversion": "19.0"}, b"", "specversion is '19.0'"),
        ({**EVENT, "ce-bad_name": "x"}, b"", "not an attribute's name"),
        ({**EVENT, "ce-time": "yesterday"}, b"", "time is not an RFC 3339 timestamp"),
        ({**EVENT, "ce-time": "2026-02-30T00:00:00Z"}, b"", "time is not an RFC 3339 timestamp"),
        ({**EVENT, "ce-time": "2026-01-01T00:00:00"}, b"", "time is not an RFC 3339 timestamp"),
        ({**EVENT, "ce-subject": "a%0D%0AX-Evil:%201"}, b"", "a control character"),
        ({**EVENT, "ce-subject": "100%"}, b"", "percent-encoding is broken"),
        ({**EVENT, "ce-subject": b"\xff".decode("latin-1")}, b"", "not UTF-8"),
        ({**EVENT, "ce-notbefore": "tomorrow"}, b"", "notbefore is not an RFC 3339 timestamp"),
        ({**EVENT, "ce-notbefore": "2262-01-01T00:00:00Z"}, b"", "notbefore is later than the year 2261"),
        ({**EVENT, "ce-notbefore": "9999-12-31T23:59:59Z"}, b"", "notbefore is later than the year 2261"),
        (JSON_EVENT, b"nonsense", "payload is not a JSON object"),
        (JSON_EVENT, b"", "payload is not a JSON object"),
        (JSON_EVENT, b"[{}]", "payload is not a JSON object"),
        (JSON_EVENT, b"[" * 100_000, "payload is not a JSON object"),
        (JSON_EVENT, json.dumps({**STRUCTURED, "time": 5}).encode(), "attribute time is not a string"),
        (
            JSON_EVENT,
            json.dumps({**STRUCTURED, "extension": {}}).encode(),
            "is not a string, a boolean or an integer",
        ),
        ({**EVENT, "Content-Type": b"text/plain; charset=\xff".decode("latin-1")}, b"", "not UTF-8"),
        (JSON_EVENT, json.dumps(STRUCTURED | {f"x{n}": "1" for n in range(4_000)}).encode(), "more than 49152 bytes"),
        (
            JSON_EVENT,
            json.dumps(STRUCTURED | {"datacontenttype": f"text/plain;{' ' * 20_000}x"}).encode(),
            "more than 49152 bytes",
        ),
    ],
)
def test_what_is_no_cloudevent_is_refused_with_a_reason(
    broker: Stage, sink: Sink, headers: Headers, data: bytes, reason: str
) -> None:
    answer = post(broker, headers, data)
    assert answer.status_code == 400
    assert reason in answer.text
    assert not sink.requests


def test_an_attribute_that_comes_twice_is_refused(broker: Stage) -> None:
    status, reason = exchange(broker, [*EVENT.items(), ("CE-Source", "/other"), ("Content-Length", "0")])
    assert status == 400
    assert b"ce-source comes twice" in reason


@pytest.mark.parametrize("content_type", ["application/cloudevents-batch+json", "application/cloudevents+avro"])
def test_other_formats_than_one_event_in_json_are_refused(broker: Stage, content_type: str) -> None:
    assert post(broker, {"Content-Type": content_type}, b"[]").status_code == 415


@pytest.mark.parametrize("path", ["/", "/default", "/{namespace}", "/{namespace}/other", "/{namespace}/default/more"])
def test_only_brokers_are_found(broker: Stage, path: str) -> None:
    url = broker.ingress.replace(urlsplit(broker.ingress).path, path.format(namespace=broker.stream_names.namespace))
    assert requests.post(url, headers=EVENT, timeout=30).status_code == 404


def test_a_broker_that_is_not_in_place_yet_is_not_there_now(stage: Stage) -> None:
    """As on a replica that has not come to it. Here JetStream refuses its streams, for it is one server only."""
    stage.broker({"jetstream.ticketing.dev/replicas": "3"})
    stage.start_bridge()
    answer = post(stage, EVENT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert requests.post(f"{stage.ingress}s", headers=EVENT, timeout=30).status_code == 404


def test_a_slash_or_a_query_at_the_end_makes_no_other_broker(broker: Stage) -> None:
    assert requests.post(f"{broker.ingress}/?x=/y", headers=EVENT, timeout=30).status_code == 202


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_events_come_by_post_only(broker: Stage, method: str) -> None:
    answer = requests.request(method, broker.ingress, headers=EVENT, timeout=30)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_what_is_too_large_is_refused_before_it_comes(broker: Stage) -> None:
    """The body is never sent."""
    status, reason = exchange(broker, [*EVENT.items(), ("Content-Length", str(MAX_EVENT + 1))])
    assert status == 413
    assert str(MAX_EVENT).encode() in reason


@pytest.mark.parametrize("size", [MAX_EVENT, 5 << 20])
def test_what_turns_out_too_large_is_refused(broker: Stage, sink: Sink, size: int) -> None:
    """A body in chunks does not announce its size; and attributes count, too."""
    chunks = (b"x" * 65_536 for _ in range(size // 65_536))
    assert post(broker, EVENT, chunks).status_code == 413
    assert not sink.requests


def test_the_largest_event_passes(broker: Stage, sink: Sink) -> None:
    data = b"x" * (MAX_EVENT - 1024)
    assert post(broker, EVENT, data).status_code == 202
    assert sink.await_requests(1)[0].body == data


def test_who_asks_before_sending_the_body_is_told_to(broker: Stage, sink: Sink) -> None:
    address = urlsplit(broker.ingress)
    lines = [f"{name}: {value}" for name, value in {**EVENT, "Content-Length": "4", "Expect": "100-continue"}.items()]
    with socket.create_connection((str(address.hostname), address.port), timeout=30) as connection:
        connection.sendall("\r\n".join([f"POST {address.path} HTTP/1.1", "Host: x", *lines, "", ""]).encode())
        assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"data")
        assert connection.recv(1024).startswith(b"HTTP/1.1 202 ")
    assert sink.await_requests(1)[0].body == b"data"


def test_a_full_log_is_not_there_now(stage: Stage, sink: Sink) -> None:
    stage.broker({"jetstream.ticketing.dev/max-bytes": "400000"})
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.fill(300_000)
    answer = post(stage, EVENT, b"x" * 200_000)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    stage.empty()
    assert post(stage, EVENT, b"x" * 200_000).status_code == 202


def test_an_event_that_is_sent_again_is_delivered_once(broker: Stage, sink: Sink) -> None:
    for _ in range(3):
        assert post(broker, EVENT).status_code == 202
    assert post(broker, {**EVENT, "ce-source": "/other"}).status_code == 202
    sink.await_requests(2)
    broker.await_settled("all")
    assert sorted(request.headers["ce-source"] for request in sink.requests) == ["/other", "/test"]


def test_many_at_once(broker: Stage, sink: Sink) -> None:
    wanted = {str(number) for number in range(300)}
    with ThreadPoolExecutor(30) as senders:
        answers = senders.map(lambda one: post(broker, {**EVENT, "ce-id": one}).status_code, wanted)
    assert set(answers) == {202}
    sink.await_requests(len(wanted))
    broker.await_settled("all")
    assert sorted(map(str, sink.ids)) == sorted(wanted)


def test_an_event_may_be_for_later(broker: Stage, sink: Sink) -> None:
    due = datetime.now(UTC) + timedelta(seconds=1)
    assert post(broker, {**EVENT, "ce-notbefore": due.isoformat()}).status_code == 202
    sink.await_requests(1)
    assert datetime.now(UTC) >= due


def test_the_last_instant_that_an_event_may_be_for_is_not_now(broker: Stage, sink: Sink) -> None:
    """Which none is that has no number in JetStream."""
    assert post(broker, {**EVENT, "ce-notbefore": "2261-12-31T23:59:59.999999Z"}).status_code == 202
    assert post(broker, {**EVENT, "ce-id": "now"}).status_code == 202
    sink.await_requests(1)
    broker.await_settled("all")
    assert sink.ids == ["now"]


def test_the_largest_event_for_later_stops_none_behind_it(broker: Stage, sink: Sink) -> None:
    """JetStream adds where it has it from, which must fit into the log, too."""
    due = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    later = {**EVENT, "ce-notbefore": due}
    sizes = range(MAX_EVENT - 256, 0, -16)
    largest = next(size for size in sizes if post(broker, later, b"x" * size).status_code == 202)
    assert post(broker, {**later, "ce-id": "behind"}).status_code == 202
    sink.await_requests(2)
    assert {request.id: len(request.body) for request in sink.requests} == {"1": largest, "behind": 0}


def exchange(stage: Stage, headers: list[tuple[str, str]]) -> tuple[int, bytes]:
    """Send header lines as they stand, and no body; the status and what it says."""
    address = urlsplit(stage.ingress)
    with closing(HTTPConnection(str(address.hostname), address.port, timeout=30)) as connection:
        connection.putrequest("POST", address.path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
