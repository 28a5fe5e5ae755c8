"""The CloudEvents NATS binding, read: every message on a Broker's subject becomes an event or says why it cannot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from nats.aio.msg import Msg

from events.broker.subjects import StreamNames
from events.cloudevents import json_format
from events.cloudevents.event import CONTENT_TYPE, PREFIX, SPEC_VERSION, Event, from_attributes, from_headers

# $JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>, with a
# domain and an account in front of the stream where there are any.
_DELIVERED, _SEQUENCE, _TIMESTAMP = -5, -4, -2
_TOKENS_WITH_DOMAIN = 12
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message stands in its stream, and how often it was handed out, this time included."""

    sequence: int
    delivered: int
    timestamp: float

    @classmethod
    def of(cls, message: Msg) -> "Origin":
        """The origin that the subject for acknowledgements tells."""
        tokens = message.reply.split(".")
        if len(tokens) >= _TOKENS_WITH_DOMAIN:
            tokens = tokens[:11]
        return cls(int(tokens[_SEQUENCE]), int(tokens[_DELIVERED]), int(tokens[_TIMESTAMP]) / _NANOSECONDS)


def parse(headers: Mapping[str, str], data: bytes) -> Event | None:
    """The event that headers and data are, in binary or structured mode; None if they do not claim to be one.

    Raises MalformedEventError.
    """
    fields = {name.lower(): value for name, value in headers.items()}
    content_type = fields.get(CONTENT_TYPE)
    if content_type is not None and json_format.announced(content_type):
        return json_format.parse(data, content_type)
    if any(name.startswith(PREFIX) for name in fields):
        return from_headers(fields, data)
    return None if content_type is not None else json_format.recognise(data)


def read(message: Msg, origin: Origin, stream_names: StreamNames) -> Event:
    """The event of a message; one that is no CloudEvent is wrapped into one. Raises MalformedEventError."""
    return parse(message.headers or {}, message.data) or _wrapped(message, origin, stream_names)


def _wrapped(message: Msg, origin: Origin, stream_names: StreamNames) -> Event:
    """A plain NATS message as an event: typed by its subject, identified by its place in the log."""
    attributes = {
        "specversion": SPEC_VERSION,
        "id": f"{stream_names.log}-{origin.sequence}",
        "source": f"/nats/streams/{quote(stream_names.log)}",
        "type": stream_names.event_type(message.subject),
        "time": datetime.fromtimestamp(origin.timestamp, UTC).isoformat(),
    }
    fields = {name.lower(): value for name, value in (message.headers or {}).items()}
    content_type = fields.get(CONTENT_TYPE) or _content_type(message.data)
    return from_attributes({**attributes, "datacontenttype": content_type}, message.data)


def _content_type(data: bytes) -> str | None:
    """What can be said truly about bytes that nobody declared."""
    if not data:
        return None
    try:
        data.decode()
    except UnicodeError:
        return "application/octet-stream"
    return "application/json" if json_format.is_json(data) else "text/plain; charset=utf-8"
