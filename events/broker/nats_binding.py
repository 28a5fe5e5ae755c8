"""The CloudEvents NATS binding: every message on a Broker's subject is read as an event, or rejected with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from nats.aio.msg import Msg

from events.broker.subjects import StreamNames
from events.cloudevents import json_format
from events.cloudevents.event import SPEC_VERSION, Event
from events.cloudevents.messages import CONTENT_TYPE, from_attributes, read_message

# $JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>, with a
# domain and an account in front of the stream where there are any.
_DELIVERED, _SEQUENCE, _TIMESTAMP = -5, -4, -2
_TOKENS_WITH_DOMAIN = 12
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MessageInfo:
    """A message's sequence in its stream, how often it was delivered (from 1), and when it was stored (Unix time)."""

    sequence: int
    delivered: int
    timestamp: float

    @classmethod
    def of(cls, message: Msg) -> "MessageInfo":
        """Return what a message's subject for acknowledgements tells."""
        tokens = message.reply.split(".")
        if len(tokens) >= _TOKENS_WITH_DOMAIN:
            tokens = tokens[:11]
        return cls(int(tokens[_SEQUENCE]), int(tokens[_DELIVERED]), int(tokens[_TIMESTAMP]) / _NANOSECONDS)


def parse(headers: Mapping[str, str], data: bytes) -> Event | None:
    """Return the event of a NATS message, None if it does not claim to be one.

    Without a content type the payload tells whether it is an event, since some NATS clients send no headers. Raises
    MalformedEventError.
    """
    event = read_message(headers.items(), data)
    is_untyped = event is None and _content_type(headers) is None
    return json_format.recognise(data) if is_untyped else event


def read(message: Msg, info: MessageInfo, stream_names: StreamNames) -> Event:
    """Return the event of a message; wrap one that does not claim to be an event. Raises MalformedEventError."""
    return parse(message.headers or {}, message.data) or _wrapped(message, info, stream_names)


def _wrapped(message: Msg, info: MessageInfo, stream_names: StreamNames) -> Event:
    """Return a plain NATS message as an event: its type is of its subject, its id of its sequence in the log."""
    attributes = {
        "specversion": SPEC_VERSION,
        "id": f"{stream_names.log}-{info.sequence}",
        "source": f"/nats/streams/{quote(stream_names.log)}",
        "type": stream_names.event_type(message.subject),
        "time": datetime.fromtimestamp(info.timestamp, UTC).isoformat(),
    }
    content_type = _content_type(message.headers or {}) or _guessed_type(message.data)
    return from_attributes(attributes, content_type, message.data)


def _content_type(headers: Mapping[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == CONTENT_TYPE), None)


def _guessed_type(data: bytes) -> str | None:
    """Return a content type that is true of the bytes."""
    if not data:
        return None
    try:
        data.decode()
    except UnicodeError:
        return "application/octet-stream"
    return "application/json" if json_format.is_json(data) else "text/plain; charset=utf-8"
