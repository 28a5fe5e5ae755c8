"""A CloudEvent between two messages: attributes as `ce-` headers, data as bytes.

In this form an event passes from HTTP to NATS and back without being taken apart. What we make is of version 1.0;
events of 0.3 pass as they are, since Knative's conformance tests ask that of a Broker.
"""

from collections.abc import Mapping
from hashlib import blake2b

from msgspec import Struct

from events.cloudevents.attributes import PREFIX, REQUIRED, check_values, decode_value, encode_value
from events.cloudevents.errors import MalformedEventError
from events.cloudevents.media_types import announces_event, media_type

SPEC_VERSION = "1.0"
OLD_SPEC_VERSION = "0.3"

# JetStream stores at most 64 KiB of headers, and a dead letter has some beside the event's.
MAX_ATTRIBUTES = 48 << 10  # bytes, percent-encoded, with their names
_LINE_OVERHEAD = len(": \r\n")


class Event(Struct):
    """`headers` are the attributes as `ce-<name>`, percent-encoded; datacontenttype is `content_type` instead."""

    headers: dict[str, str]
    content_type: str | None
    data: bytes

    def get(self, attribute: str) -> str | None:
        """Return an attribute's value, None if the event does not have it."""
        if attribute == "datacontenttype":
            return self.content_type
        value = self.headers.get(PREFIX + attribute)
        return value if value is None or "%" not in value else decode_value(value)

    def __getitem__(self, attribute: str) -> str:
        """Return a required attribute's value."""
        return self.get(attribute) or ""

    def with_attributes(self, attributes: Mapping[str, str]) -> "Event":
        """Return the event with further attributes."""
        added = {PREFIX + name: encode_value(value) for name, value in attributes.items()}
        return Event(self.headers | added, self.content_type, self.data)

    def message_headers(self) -> dict[str, str]:
        """Return the headers of a NATS message that carries the event in binary mode, datacontenttype among them."""
        if self.content_type is None:
            return dict(self.headers)
        return {**self.headers, PREFIX + "datacontenttype": encode_value(self.content_type)}


def checked(event: Event) -> Event:
    """Return the event if its attributes are valid, whichever message it comes from. Raises MalformedEventError."""
    for name in REQUIRED:
        if not event.headers.get(PREFIX + name):
            raise MalformedEventError(f"attribute {name} is missing")
    if sum(len(name) + len(value) + _LINE_OVERHEAD for name, value in event.message_headers().items()) > (
        MAX_ATTRIBUTES
    ):
        raise MalformedEventError(f"attributes take more than {MAX_ATTRIBUTES} bytes")
    if event.headers["ce-specversion"] not in {SPEC_VERSION, OLD_SPEC_VERSION}:
        raise MalformedEventError(
            f"specversion is {event['specversion'][:64]!r}, expected {SPEC_VERSION} or {OLD_SPEC_VERSION}"
        )
    if event.content_type is not None and announces_event(event.content_type):
        raise MalformedEventError("data is itself a CloudEvent, which receivers would take for the event")
    if event.content_type is not None:
        media_type(event.content_type)
    check_values(event.headers)
    return event


def identity(*parts: str) -> str:
    """Return a short hash of parts that identify an event together, for JetStream's deduplication.

    No attribute holds a line's end, so different parts never make the same text.
    """
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
