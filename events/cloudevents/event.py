"""CloudEvents as they travel: attributes as `ce-` headers, data as bytes.

HTTP and NATS share this form, percent-encoding included, so that an event passes from one to the other without being
taken apart (CloudEvents HTTP binding 3.1.3, NATS binding 3.1.2). What we make is of version 1.0; events of 0.3 pass as
they are, for Knative's conformance tests ask that of a Broker.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote_to_bytes

PREFIX = "ce-"
CONTENT_TYPE = "content-type"
REQUIRED = ("id", "source", "specversion", "type")
SPEC_VERSION = "1.0"

_KNOWN_VERSIONS = (SPEC_VERSION, "0.3")

# JetStream stores 64 KiB of headers at most, and a dead letter has some besides the event's.
LARGEST_ATTRIBUTES = 48 << 10  # bytes, percent-encoded, with their names
_BESIDES = len(": \r\n")

_UNENCODED = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")


class MalformedEventError(ValueError):
    """What was to be a CloudEvent is none; the message says why."""


@dataclass(slots=True)
class Event:
    """`headers` are the attributes as `ce-<name>`, percent-encoded; datacontenttype is `content_type` instead."""

    headers: dict[str, str]
    content_type: str | None
    data: bytes

    def get(self, attribute: str) -> str | None:
        """An attribute's value, None if the event has none of that name."""
        if attribute == "datacontenttype":
            return self.content_type
        value = self.headers.get(PREFIX + attribute)
        return value if value is None or "%" not in value else decode_value(value)

    def __getitem__(self, attribute: str) -> str:
        """A required attribute's value."""
        return self.get(attribute) or ""

    def with_attributes(self, attributes: Mapping[str, str]) -> "Event":
        """The event with further attributes."""
        added = {PREFIX + name: encode_value(value) for name, value in attributes.items()}
        return Event(self.headers | added, self.content_type, self.data)

    def message_headers(self) -> dict[str, str]:
        """The headers of a NATS message that carries the event in binary mode, datacontenttype among them."""
        if self.content_type is None:
            return dict(self.headers)
        return {**self.headers, PREFIX + "datacontenttype": encode_value(self.content_type)}


def from_headers(headers: Mapping[str, str], data: bytes) -> Event:
    """An event in binary mode; names of headers in lower case. Raises MalformedEventError."""
    attributes = {name: _checked(name, value) for name, value in headers.items() if name.startswith(PREFIX)}
    declared = attributes.pop(PREFIX + "datacontenttype", None)
    if declared is not None:
        return checked(Event(attributes, decode_value(declared), data))
    content_type = headers.get(CONTENT_TYPE)
    return checked(Event(attributes, content_type and _header_text(content_type), data))


def from_attributes(attributes: Mapping[str, Any], data: bytes) -> Event:
    """An event of attributes as JSON has them: strings, booleans, integers; null is an absent one.

    Raises MalformedEventError.
    """
    texts = {name: _canonical(name, value) for name, value in attributes.items() if value is not None}
    return from_headers({PREFIX + name: encode_value(text) for name, text in texts.items()}, data)


def from_row(event: Mapping[str, Any]) -> Event:
    """An event of the outbox: attributes and `data`, a JSON value. Raises MalformedEventError."""
    try:
        data = json.dumps(event["data"], ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedEventError(f"data is no JSON: {error!r}") from error
    return from_attributes({name: value for name, value in event.items() if name != "data"}, data)


def checked(event: Event) -> Event:
    """The event, if it has what every CloudEvent has. Raises MalformedEventError."""
    for name in REQUIRED:
        if not event.headers.get(PREFIX + name):
            raise MalformedEventError(f"attribute {name} is missing")
    if sum(len(name) + len(value) + _BESIDES for name, value in event.message_headers().items()) > LARGEST_ATTRIBUTES:
        raise MalformedEventError(f"attributes take more than {LARGEST_ATTRIBUTES} bytes")
    if event.headers["ce-specversion"] not in _KNOWN_VERSIONS:
        raise MalformedEventError(f"specversion is {event['specversion']!r}, expected {' or '.join(_KNOWN_VERSIONS)}")
    return event


def identity(*parts: str) -> str:
    """A short hash of parts that are an event's identity together, for JetStream's deduplication.

    No attribute holds a line's end, so different parts never make the same text.
    """
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def encode_value(text: str) -> str:
    """A header's value for an attribute's."""
    return quote(text, safe=_UNENCODED)


def decode_value(header: str) -> str:
    """An attribute's value from a header's. Raises MalformedEventError where the encoding is wrong."""
    if _ESCAPE.search(header):
        raise MalformedEventError("percent-encoding is broken")
    try:
        text = unquote_to_bytes(header).decode()
    except UnicodeError as error:
        raise MalformedEventError("percent-encoded bytes are no UTF-8") from error
    return _header_text(text)


def _checked(key: str, value: str) -> str:
    """The value as it may be copied onwards: most are fine as they are."""
    if not (key.isascii() and key[len(PREFIX) :].isalnum()):
        raise MalformedEventError(f"no attribute's name: {key[:64]!r}")
    if value.isascii() and value.isprintable() and "%" not in value and not value.startswith('"'):
        return value
    if value.startswith('"') and value.endswith('"'):  # an old form that receivers must still take
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return encode_value(decode_value(value))


def _header_text(text: str) -> str:
    """Text that no header can be smuggled in with, and that was UTF-8 (others arrive with U+FFFD or surrogates)."""
    if _NO_TEXT.search(text):
        raise MalformedEventError("a control character or bytes that are no UTF-8")
    return text


def _canonical(name: str, value: object) -> str:
    """CloudEvents' canonical string of a value (spec 3.1, type system)."""
    if not (name.isascii() and name.isalnum() and name == name.lower()):
        raise MalformedEventError(f"no attribute's name: {name[:64]!r}")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    raise MalformedEventError(f"attribute {name} is no string, boolean or integer")
