"""Where an event is stored: in the log, or in the schedules until it is due."""

from datetime import UTC, datetime

from events.broker.subjects import StreamNames
from events.cloudevents.event import Event, MalformedEventError

_TIME_TO_LIVE = "168h"
_LAST_YEAR = 2261  # in nanoseconds since 1970, as JetStream counts, 63 bits end in April of the next

Place = tuple[str, dict[str, str]]


def place(event: Event, stream_names: StreamNames, key: str) -> Place:
    """The subject and the headers to store an event with; JetStream takes one event for each `key`.

    Raises MalformedEventError if its `notbefore` is no timestamp, or one that JetStream has no number for.
    """
    headers = event.message_headers()
    headers["Nats-Msg-Id"] = key
    not_before = event.get("notbefore")
    if not_before is None or (due := _instant(not_before)) <= datetime.now(UTC):
        return stream_names.event(event["type"]), headers
    if due.year > _LAST_YEAR:
        raise MalformedEventError(f"notbefore is later than the year {_LAST_YEAR}")
    headers |= {
        "Nats-Schedule": f"@at {due.isoformat()}",
        "Nats-Schedule-Target": stream_names.due(event["type"]),
        "Nats-Schedule-TTL": _TIME_TO_LIVE,
    }
    return stream_names.scheduled(key), headers


def _instant(text: str) -> datetime:
    """An RFC 3339 timestamp in UTC."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedEventError("notbefore is no timestamp") from error
    raise MalformedEventError("notbefore has no time zone")
