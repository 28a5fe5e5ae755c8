"""CloudEvents 1.0 over HTTP: reading them in binary and structured mode, writing them in structured mode."""

import re
from collections.abc import Mapping

import msgspec
from cloudevents.http import CloudEvent, from_http
from flask import Request
from werkzeug.datastructures import Headers

from functions.shared import trace
from functions.shared.errors import NotACloudEvent
from functions.shared.web.once import once

CONTENT_TYPE = "application/cloudevents+json"
REQUIRED = ("id", "source", "type")

# What the CloudEvents type String is without: control characters and lone surrogates.
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def is_cloudevent(headers: Headers) -> bool:
    """Whether a request says that it is a CloudEvent, in either mode."""
    return "ce-specversion" in headers or headers.get("content-type", "").lower().startswith(CONTENT_TYPE)


@once
def receive(request: Request) -> CloudEvent:
    """The CloudEvent of a request, its data as JSON text, or None. From here on its trace is the one to follow.

    Raises:
        NotACloudEvent: it is none, or lacks a required attribute.
    """
    if not is_cloudevent(request.headers):
        raise NotACloudEvent
    try:
        event = from_http(dict(request.headers), request.get_data(), data_unmarshaller=_as_bytes)
    except Exception as error:  # the SDK fails in many ways on what is no event
        raise NotACloudEvent from error
    if event["specversion"] != "1.0" or not all(_is_text(event.get(name)) for name in REQUIRED):
        raise NotACloudEvent
    if "traceparent" in event:
        trace.follow(event["traceparent"])
    return event


def encode(context: Mapping[str, object], data: object) -> bytes:
    """The event as one JSON document, which is its structured mode."""
    return msgspec.json.encode({**context, "data": data})


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != "" and not _NO_TEXT.search(value)


def _as_bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data
