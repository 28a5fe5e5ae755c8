"""What a process sends by OTLP/HTTP, received by a real server and decoded."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from local import servers

TRACES = "/v1/traces"


@dataclass(frozen=True)
class Span:
    """A span as it was received; ids in hex, links as traceparents without their flags."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    attributes: Mapping[str, Any]
    failed: bool
    start: int
    end: int

    @property
    def context(self) -> str:
        """How a link, or the beginning of a traceparent, names it."""
        return f"00-{self.trace}-{self.id}"


class Receiver:
    """An OTLP endpoint at `url`, which keeps what comes."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._server = ThreadingHTTPServer((servers.HOST, 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The value of OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://{servers.HOST}:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a process that sends its spans here, without delay."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_SDK_DISABLED": "false",
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def named(self, name: str, **attributes: object) -> list[Span]:
        """Return the spans of that name, and with attributes whose dots are written as underscores."""
        return [one for one in self.spans if one.name == name and attributes.items() <= _underscored(one).items()]

    def children(self, parent: Span) -> list[Span]:
        """Return the spans below one, in the order in which they began."""
        return sorted((one for one in self.spans if one.parent == parent.id), key=lambda one: one.start)

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = str(_attributes(resource.resource.attributes)["service.name"])
            self.spans += [_span(service, one) for scope in resource.scope_spans for one in scope.spans]


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == TRACES:
                receiver.take(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _span(service: str, span: Message) -> Span:
    return Span(
        service=service,
        name=span.name,
        kind=Message.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple(f"00-{link.trace_id.hex()}-{link.span_id.hex()}" for link in span.links),
        attributes=_attributes(span.attributes),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:  # noqa: ANN401 of any type
    return getattr(value, str(value.WhichOneof("value")))


def _underscored(span: Span) -> dict[str, object]:
    return {name.replace(".", "_"): value for name, value in span.attributes.items()}
