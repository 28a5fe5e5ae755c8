"""How an event is stored: in the log, or among the schedules until its `notbefore`."""

from dataclasses import dataclass
from datetime import UTC, datetime

from events.broker.subjects import StreamNames
from events.cloudevents.errors import MalformedEventError
from events.cloudevents.event import Event
from events.cloudevents.timestamps import parse_timestamp

_TIME_TO_LIVE = "168h"
_LAST_YEAR = 2261  # JetStream counts nanoseconds since 1970 in 63 bits, which end in April of the next


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A NATS message that stores an event."""

    subject: str
    headers: dict[str, str]
    data: bytes


def schedule(event: Event, stream_names: StreamNames, key: str) -> StoredMessage:
    """Return the message that stores an event until it is due; JetStream stores one event for each `key`.

    Raises MalformedEventError if its `notbefore` is later than JetStream can count.
    """
    headers = event.message_headers()
    headers["Nats-Msg-Id"] = key
    due = _due(event)
    if due is None or due <= datetime.now(UTC):
        return StoredMessage(stream_names.event(event["type"]), headers, event.data)
    if due.year > _LAST_YEAR:
        raise MalformedEventError(f"notbefore is later than the year {_LAST_YEAR}")
    headers |= {
        "Nats-Schedule": f"@at {due.isoformat()}",
        "Nats-Schedule-Target": stream_names.due(event["type"]),
        "Nats-Schedule-TTL": _TIME_TO_LIVE,
    }
    return StoredMessage(stream_names.scheduled(key), headers, event.data)


def _due(event: Event) -> datetime | None:
    text = event.get("notbefore")
    return None if text is None else parse_timestamp(text, "notbefore")
