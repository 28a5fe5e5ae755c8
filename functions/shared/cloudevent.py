"""CloudEvents 1.0 over HTTP: reading them in binary and structured mode, writing them in structured mode."""

from collections.abc import Mapping
from typing import Any

import msgspec
from cloudevents.http import CloudEvent, from_http
from werkzeug.datastructures import Headers

from events.catalogue import Event
from functions.shared import trace
from functions.shared.clock import now
from functions.shared.errors import NotACloudEvent

CONTENT_TYPE = "application/cloudevents+json"
REQUIRED = ("id", "source", "type", "specversion")


def is_cloudevent(headers: Headers) -> bool:
    """Whether a request says that it is a CloudEvent, in either mode."""
    return "ce-specversion" in headers or headers.get("content-type", "").lower().startswith(CONTENT_TYPE)


def parse(headers: Headers, body: bytes) -> CloudEvent:
    """The CloudEvent of a request, its data still JSON (binary mode) or already a value (structured mode).

    Raises:
        NotACloudEvent: it is none, or lacks a required attribute.
    """
    try:
        event = from_http(dict(headers), body, data_unmarshaller=_as_it_is)
    except Exception as error:  # noqa: BLE001 - the SDK fails in many ways on what is no event
        raise NotACloudEvent from error
    if not all(isinstance(event.get(name), str) and event[name] for name in REQUIRED):
        raise NotACloudEvent
    return event


def attributes(event: Event, event_id: str) -> dict[str, Any]:
    """The context attributes that every event of ours has; the data is not among them."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": event.source(),
        "type": event.type(),
        "subject": event.subject,
        "time": timestamp(),
        "datacontenttype": "application/json",
        "dataschema": event.schema(),
        "partitionkey": event.subject,
        "traceparent": trace.current(),
    }


def encode(context: Mapping[str, object], data: object) -> bytes:
    """The event as one JSON document, which is its structured mode."""
    return msgspec.json.encode({**context, "data": data})


def timestamp() -> str:
    """Now, in RFC 3339 with milliseconds."""
    return now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_it_is(data: object) -> object:
    return data
