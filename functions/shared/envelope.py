"""The context attributes of the events that this system sends (CloudEvents 1.0)."""

from typing import Any

from events.catalogue import Event
from functions.shared import trace
from functions.shared.clock import now


def attributes(event: Event, event_id: str) -> dict[str, Any]:
    """Return the context attributes of an event, which has its data beside them."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": event.source(),
        "type": event.type(),
        "subject": event.subject,
        "time": timestamp(),
        "datacontenttype": "application/json",
        "dataschema": event.schema(),
        "partitionkey": event.subject,
        "traceparent": trace.current(),
    }


def timestamp() -> str:
    """Return the current time in RFC 3339 with milliseconds, in UTC."""
    return now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
