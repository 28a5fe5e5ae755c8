"""The console takes spans as OTLP has them, keeps the newest, shows those of an order, and gives them on."""

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.sync_api import expect

from events.console.spans import otlp
from events.console.spans.store import SpanStore
from tests.console.conftest import Open
from tests.console.env import ConsoleEnv, event, new_id, order

TIMEOUT_SECONDS = 60
MILLISECOND = 1_000_000
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def machine(nats_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleEnv]:
    """Yield a console that takes spans, as on one machine."""
    folder = tmp_path_factory.mktemp("machine")
    with ConsoleEnv.started(nats_url, folder, MACHINE=str(folder / "running.json")) as started:
        yield started


def export(trace: str, service: str = "orders-create", name: str = "POST", **more: object) -> dict[str, Any]:
    """Return an export of one span in OTLP's JSON."""
    now = time.time_ns()
    span = {
        "traceId": trace,
        "spanId": secrets.token_hex(8),
        "name": name,
        "kind": 2,
        "startTimeUnixNano": str(now - 20 * MILLISECOND),
        "endTimeUnixNano": str(now),
        "attributes": [{"key": "cloudevents.event_type", "value": {"stringValue": "order.created"}}],
        **more,
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}


def in_protobuf(trace: str) -> bytes:
    """Return an export of one span in protobuf."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "bridge"
    span = resource.scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name, span.kind = bytes.fromhex(trace), secrets.token_bytes(8), "process", 5
    span.start_time_unix_nano, span.end_time_unix_nano = time.time_ns() - MILLISECOND, time.time_ns()
    span.attributes.add(key="messaging.batch").value.int_value = 3
    span.status.code = 2
    return bytes(request.SerializeToString())


def send(env: ConsoleEnv, body: bytes | dict[str, Any]) -> int:
    """Send an export; return the status of the answer."""
    kind = otlp.PROTOBUF if isinstance(body, bytes) else otlp.JSON
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{env.url}/v1/traces"
    return requests.post(url, data=data, headers={"Content-Type": kind}, timeout=TIMEOUT_SECONDS).status_code


def test_spans_come_in_json_and_protobuf_and_are_given_on_in_json(machine: ConsoleEnv) -> None:
    trace = secrets.token_hex(16)
    assert send(machine, export(trace)) == 200
    assert send(machine, in_protobuf(trace)) == 200

    found = requests.get(f"{machine.url}/v1/traces?trace={trace}", timeout=TIMEOUT_SECONDS).json()

    spans = {
        one["resource"]["attributes"][0]["value"]["stringValue"]: one["scopeSpans"][0]["spans"][0]
        for one in found["resourceSpans"]
    }
    assert spans.keys() == {"orders-create", "bridge"}
    assert all(span["traceId"] == trace for span in spans.values())
    assert spans["bridge"]["attributes"] == [{"key": "messaging.batch", "value": {"intValue": "3"}}]
    figures = requests.get(f"{machine.url}/api/functions", timeout=TIMEOUT_SECONDS).json()["functions"]
    assert {one["service"]: (one["requests"], one["errors"]) for one in figures}["bridge"] == (1, 1)


def test_what_is_no_export_of_spans_is_refused(machine: ConsoleEnv, env: ConsoleEnv) -> None:
    assert send(machine, b"\xff\xff") == 400
    assert send(machine, {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "no ids"}]}]}]}) == 400
    assert send(env, export(secrets.token_hex(16))) == 404  # in a cluster a collector takes them


def test_the_newest_spans_stay_within_their_bounds() -> None:
    def spans(trace: str, count: int) -> list[Any]:
        return [one for _ in range(count) for one in otlp.parse(otlp.JSON, json.dumps(export(trace)).encode())]

    old, new = secrets.token_hex(16), secrets.token_hex(16)
    by_count = SpanStore(max_spans=3)
    by_count.add(spans(old, 2))
    by_count.add(spans(new, 2))
    assert (len(by_count), len(by_count.of([old])), len(by_count.of([new]))) == (3, 1, 2)
    by_bytes = SpanStore(max_bytes=spans(old, 1)[0].size * 2)
    by_bytes.add(spans(old, 5))
    assert len(by_bytes) == 2
    assert by_bytes.bytes <= spans(old, 1)[0].size * 2 + 2


def test_an_order_shows_its_spans_as_a_waterfall(machine: ConsoleEnv, open_page: Open) -> None:
    order_id = new_id()
    machine.store(created := event("order.created", order(order_id)))
    trace = (created.get("traceparent") or "").split("-")[1]
    send(machine, export(trace, name=HOSTILE))
    page = open_page(f"{machine.url}/orders/{order_id}")
    waterfall = page.get_by_label("Waterfall")
    expect(waterfall).to_contain_text(f"orders-create · {HOSTILE}")
    expect(waterfall.get_by_role("link", name="Download these spans")).to_be_visible()
    assert page.locator("main img").count() == 0
