"""What the ingress lets in: a well-formed CloudEvent, from a source that anyone may speak for.

Rules: CloudEvents HTTP binding 1.0, section 3; knative/specs data-plane.md, "Ingress"; of versions, what
`events.cloudevents.event` knows.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from http import HTTPStatus

from events.broker.model import Broker
from events.broker.scheduling import StoredMessage, schedule
from events.cloudevents import json_format, ttl
from events.cloudevents.event import CONTENT_TYPE, PREFIX, Event, MalformedEventError, from_headers, identity

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)


class RejectedError(Exception):
    """A request that is not taken: the HTTP status, and why."""

    def __init__(self, status: HTTPStatus, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = headers


def admit(headers: Iterable[tuple[str, str]], body: bytes, broker: Broker) -> StoredMessage:
    """Return the message that stores a request's event. Raises RejectedError."""
    try:
        event = _read(_fields(headers), body)
        _check_time(event)
        if event["source"].startswith(broker.reserved_sources):
            raise RejectedError(HTTPStatus.FORBIDDEN, f"nobody may speak for {event['source']} from here")
        ttl.decrement(event, ttl.pop_ttl(event))
        return schedule(event, broker.stream_names, identity(event["source"], event["id"]))
    except (MalformedEventError, ttl.ExhaustedError) as error:
        raise RejectedError(HTTPStatus.BAD_REQUEST, f"no CloudEvent that can be taken: {error}") from error


def _fields(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers that make an event, names in lower case; each once, so that nobody reads another than we did."""
    fields: dict[str, str] = {}
    for given, value in headers:
        name = given.lower()
        if name.startswith(PREFIX) or name == CONTENT_TYPE:
            if name in fields:
                raise MalformedEventError(f"header {name[:64]} comes twice")
            fields[name] = value
    return fields


def _check_time(event: Event) -> None:
    """The one attribute of CloudEvents' own that is neither text nor a URI (spec 3.1); RFC 3339 has leap seconds."""
    time = event.get("time")
    if time is None:
        return
    try:
        if _TIMESTAMP.fullmatch(time):
            datetime.fromisoformat(time.upper().replace(":60", ":59"))
            return
    except ValueError as error:
        raise MalformedEventError("time is no timestamp") from error
    raise MalformedEventError("time is no timestamp")


def _read(fields: Mapping[str, str], body: bytes) -> Event:
    content_type = fields.get(CONTENT_TYPE)
    if content_type is None or not json_format.announced(content_type):
        if not fields.keys() - {CONTENT_TYPE}:
            raise MalformedEventError(f"neither headers that begin with {PREFIX} nor {json_format.JSON_FORMAT}")
        return from_headers(fields, body)
    if not json_format.supported(content_type):
        raise RejectedError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"of event formats, {json_format.JSON_FORMAT} is taken, one at a time"
        )
    return json_format.parse(body, content_type)
