"""OTLP over HTTP: https://opentelemetry.io/docs/specs/otlp/#otlphttp. Bodies are protobuf or JSON."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from events.console.spans.model import Json, Kept, kept

PROTOBUF, JSON = "application/x-protobuf", "application/json"
_SERVICE_NAME = "service.name"
_UNKNOWN = "unknown_service"


class MalformedSpansError(Exception):
    """A body is no export of spans; the text says why."""


def parse(content_type: str, body: bytes) -> list[Kept]:
    """Return the spans of a request's body. Raises MalformedSpansError."""
    try:
        return [*(_from_json(body) if content_type == JSON else _from_protobuf(body))]
    except (msgspec.MsgspecError, AttributeError, KeyError, TypeError, ValueError, UnicodeError) as error:
        raise MalformedSpansError(f"body is no export of spans: {error!r}") from error


def serialise(spans: list[Kept]) -> bytes:
    """Return an export of spans in JSON, by service."""
    services: dict[str, list[msgspec.Raw]] = {}
    for span in spans:
        services.setdefault(span.service, []).append(msgspec.Raw(span.content))
    return msgspec.json.encode({"resourceSpans": [_resource_spans(name, found) for name, found in services.items()]})


def _resource_spans(service: str, spans: list[msgspec.Raw]) -> Json:
    attributes = [{"key": _SERVICE_NAME, "value": {"stringValue": service}}]
    return {"resource": {"attributes": attributes}, "scopeSpans": [{"scope": {}, "spans": spans}]}


def _from_json(body: bytes) -> Iterator[Kept]:
    for resource in msgspec.json.decode(body, type=Mapping[str, Any]).get("resourceSpans", []):
        attributes = (resource.get("resource") or {}).get("attributes", [])
        names = [one["value"].get("stringValue") for one in attributes if one.get("key") == _SERVICE_NAME]
        service = str(names[0]) if names else _UNKNOWN
        for scope in resource.get("scopeSpans", []):
            yield from (kept(service, span) for span in scope.get("spans", []))


def _from_protobuf(body: bytes) -> Iterator[Kept]:
    """Yield the spans of protobuf, imported with the first of it: it takes a quarter of a second."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest  # noqa: PLC0415

    try:
        export = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    for resource in export.resource_spans:
        names = [one.value.string_value for one in resource.resource.attributes if one.key == _SERVICE_NAME]
        for scope in resource.scope_spans:
            yield from (kept(names[0] if names else _UNKNOWN, _span(span)) for span in scope.spans)


def _span(span: Any) -> Json:  # noqa: ANN401 protobuf's own
    """Return a span as JSON. protobuf's own way takes ten times as long, and writes ids in base64."""
    found: Json = {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentSpanId": span.parent_span_id.hex(),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_time_unix_nano),
        "endTimeUnixNano": str(span.end_time_unix_nano),
        "attributes": _attributes(span.attributes),
        "status": {"code": span.status.code, "message": span.status.message},
    }
    if span.links:
        found["links"] = [{"traceId": one.trace_id.hex(), "spanId": one.span_id.hex()} for one in span.links]
    if span.events:
        found["events"] = [
            {"name": one.name, "timeUnixNano": str(one.time_unix_nano), "attributes": _attributes(one.attributes)}
            for one in span.events
        ]
    return found


def _attributes(pairs: Any) -> list[Json]:  # noqa: ANN401 protobuf's own
    return [{"key": pair.key, "value": _value(pair.value)} for pair in pairs]


def _value(value: Any) -> Json:  # noqa: ANN401 protobuf's own
    kind = value.WhichOneof("value")
    if kind not in _VALUES:
        return {}
    name, convert = _VALUES[kind]
    return {name: convert(getattr(value, kind))}


_VALUES: Mapping[str, tuple[str, Callable[[Any], object]]] = {
    "string_value": ("stringValue", str),
    "int_value": ("intValue", str),
    "bool_value": ("boolValue", bool),
    "double_value": ("doubleValue", float),
    "bytes_value": ("bytesValue", lambda value: b64encode(value).decode()),
    "array_value": ("arrayValue", lambda value: {"values": [_value(one) for one in value.values]}),
    "kvlist_value": ("kvlistValue", lambda value: {"values": _attributes(value.values)}),
}
