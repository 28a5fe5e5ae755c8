"""How an event is stored: in the log, or among the schedules until its `notbefore`."""

from dataclasses import dataclass
from datetime import UTC, datetime

from events.broker.subjects import StreamNames
from events.cloudevents.event import Event, MalformedEventError

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

    Raises MalformedEventError if its `notbefore` is not a timestamp, or beyond what JetStream can count.
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
    """Return `notbefore`, an RFC 3339 timestamp, in UTC."""
    text = event.get("notbefore")
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedEventError("notbefore is no timestamp") from error
    raise MalformedEventError("notbefore has no time zone")
