"""CloudEvents 1.0 over HTTP, read as at every entrance (`events.cloudevents`) and written in structured mode."""

from collections.abc import Iterator, Mapping

import msgspec
from flask import Request
from werkzeug.datastructures import Headers

from events.cloudevents.errors import MalformedEventError, UnsupportedMessageError
from events.cloudevents.event import SPEC_VERSION, Event
from events.cloudevents.media_types import JSON_FORMAT, media_type
from events.cloudevents.messages import claims_event, read_message
from events.telemetry.attributes import of_event
from functions.shared import trace
from functions.shared.errors import NotACloudEvent, UnsupportedMediaType
from functions.shared.web.once import once

CONTENT_TYPE = JSON_FORMAT


def is_cloudevent(headers: Headers) -> bool:
    """Tell whether a request says that it is a CloudEvent, in either mode."""
    return claims_event(headers)


@once
def receive(request: Request) -> Event:
    """Return the CloudEvent of a request; without a header for that, from here on its trace is the one to continue.

    Raises:
        NotACloudEvent: it is not a valid one of version 1.0.
        UnsupportedMediaType: it has another event format than JSON, or a content coding.
    """
    try:
        event = read_message(_as_text(request.headers), request.get_data())
    except UnsupportedMessageError as error:
        raise UnsupportedMediaType from error
    except MalformedEventError as error:
        raise NotACloudEvent from error
    if event is None or event["specversion"] != SPEC_VERSION:
        raise NotACloudEvent
    trace.annotate(lambda: of_event(event))
    if "traceparent" not in request.headers and (traceparent := event.get("traceparent")) is not None:
        trace.adopt(traceparent)
    return event


def json_data(event: Event) -> bytes:
    """Return an event's data, JSON if it says nothing else.

    Raises:
        UnsupportedMediaType: it says that it is something else.
    """
    if event.data and event.content_type is not None and not media_type(event.content_type).is_json:
        raise UnsupportedMediaType
    return event.data


def encode(context: Mapping[str, object], data: object) -> bytes:
    """Return the event as one JSON document, which is its structured mode."""
    return msgspec.json.encode({**context, "data": data})


def _as_text(headers: Headers) -> Iterator[tuple[str, str]]:
    """Yield headers as the UTF-8 text that they are: WSGI gives each byte as a character (PEP 3333)."""
    for name, value in headers:
        yield name, value if value.isascii() else value.encode("latin-1").decode(errors="surrogateescape")
