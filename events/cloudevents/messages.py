"""CloudEvents in messages: the one reading of HTTP requests and responses, NATS messages and outbox rows, and writing.

Every entrance reads here, so that all of them accept and reject the same events.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from events.cloudevents import json_format
from events.cloudevents.attributes import PREFIX, checked_text, decode_value, from_header, from_json
from events.cloudevents.errors import MalformedEventError, UnsupportedMessageError
from events.cloudevents.event import Event, checked
from events.cloudevents.media_types import JSON_FORMAT, announces_event, media_type

CONTENT_TYPE = "content-type"
CONTENT_CODING = "content-encoding"

_DECLARED_TYPE = PREFIX + "datacontenttype"
_UNICODE = frozenset({"utf-8", "us-ascii"})  # of JSON

Headers = Iterable[tuple[str, str]]


def claims_event(headers: Headers) -> bool:
    """Tell whether a message says that it is a CloudEvent, in binary mode or in structured mode of any format."""
    lower = ((name.lower(), value) for name, value in headers)
    return any(name.startswith(PREFIX) or (name == CONTENT_TYPE and announces_event(value)) for name, value in lower)


def read_message(headers: Headers, body: bytes) -> Event | None:
    """Return the event of a message of HTTP or NATS, in binary or structured mode; None if it does not claim to be one.

    Raises MalformedEventError, UnsupportedMessageError if the event format or a content coding is not supported.
    """
    fields = _fields(headers)
    if fields.pop(CONTENT_CODING, "identity").strip().lower() not in {"", "identity"}:
        raise UnsupportedMessageError("content codings are not supported")
    content_type = checked_text(fields.pop(CONTENT_TYPE, "")).strip() or None
    if content_type is not None and announces_event(content_type):
        _check_format(content_type)
        return json_format.parse(body)
    return _binary(fields, content_type, body) if fields else None


def read_row(row: Mapping[str, Any]) -> Event:
    """Return the event of an outbox row, whose fields are members of the JSON format. Raises MalformedEventError."""
    try:
        payload = json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedEventError(f"row is not JSON: {error!r}") from error
    return json_format.parse(payload.encode(errors="surrogatepass"))


def from_attributes(attributes: Mapping[str, object], content_type: str | None, data: bytes) -> Event:
    """Make an event. Raises MalformedEventError."""
    headers = {PREFIX + name: from_json(name, value) for name, value in attributes.items()}
    return checked(Event(headers, content_type, data))


def write_message(event: Event, *, structured: bool) -> tuple[dict[str, str], bytes]:
    """Return headers and body of an HTTP message that carries the event in structured or in binary mode."""
    if structured:
        return {"Content-Type": JSON_FORMAT}, json_format.serialise(event)
    if event.content_type is None:
        return dict(event.headers), event.data
    return {**event.headers, "Content-Type": event.content_type}, event.data


def _fields(headers: Headers) -> dict[str, str]:
    """Return the headers that matter, names in lower case.

    Raises MalformedEventError if one comes twice: libraries differ in which they read.
    """
    fields: dict[str, str] = {}
    for given, value in headers:
        name = given.lower()
        if name.startswith(PREFIX) or name in {CONTENT_TYPE, CONTENT_CODING}:
            if name in fields:
                raise MalformedEventError(f"header {name[:64]} comes twice")
            fields[name] = value
    return fields


def _check_format(content_type: str) -> None:
    kind = media_type(content_type)
    if kind.essence != JSON_FORMAT or kind.charset not in _UNICODE:
        raise UnsupportedMessageError(
            f"the only event format that is supported is {JSON_FORMAT} in UTF-8, one event at a time"
        )


def _binary(fields: Mapping[str, str], content_type: str | None, body: bytes) -> Event:
    """Return an event in binary mode; our own NATS messages declare their content type as an attribute."""
    attributes = {name: from_header(name, value) for name, value in fields.items()}
    declared = attributes.pop(_DECLARED_TYPE, None)
    if declared is not None:
        declared = decode_value(declared)
        if content_type is not None and content_type != declared:
            raise MalformedEventError("the headers content-type and ce-datacontenttype differ")
        content_type = declared
    return checked(Event(attributes, content_type, body))
