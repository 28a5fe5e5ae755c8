"""The context attributes of the events that this system sends (CloudEvents 1.0)."""

from collections.abc import Mapping
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


def described(attributes: Mapping[str, Any], event: Event) -> trace.Attributes:
    """Return the attributes of a span that makes an event."""
    of_event = {f"cloudevents.event_{name}": attributes[name] for name in ("id", "source", "type", "subject")}
    return {**of_event, **order_of(event)}


def order_of(event: Event) -> trace.Attributes:
    """Return the attribute of a span that names the order of an event, if it has one."""
    order = event.subject if event.SERVICE == "orders" else getattr(event, "order_id", None)
    return {trace.ORDER: order} if order else {}


def timestamp() -> str:
    """Return the current time in RFC 3339 with milliseconds, in UTC."""
    return now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
