"""An event of the log as the page shows it."""

from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from events.broker import nats_binding
from events.broker.nats_binding import MessageInfo
from events.broker.subjects import StreamNames
from events.catalogue import TYPE_PREFIX
from events.cloudevents.errors import MalformedEventError
from events.cloudevents.event import Event
from events.console.streams import Stored

_LONGEST = 4096  # characters of data that are shown


class Record(Struct, rename="camel", frozen=True):
    """One event: `name` is its type without our prefix; `order`, `buyer` and `trace` are ids, empty without one.

    `data` is its JSON as text; `replayed_to` the Trigger that a dead letter was replayed to.
    """

    sequence: int
    time: datetime
    name: str
    source: str
    id: str
    order: str
    buyer: str
    trace: str
    data: str
    replayed_to: str = ""


def read(stored: Stored, names: StreamNames) -> tuple[Event, dict[str, Any]] | None:
    """Return the event of a stored message, and the object in its data, {} if that is none; None for other messages."""
    with suppress(MalformedEventError):
        info = MessageInfo(stored.sequence, 1, stored.time.timestamp())
        event = nats_binding.read(stored.message, info, names)
        return event, fields(event.data)
    return None


def fields(data: bytes) -> dict[str, Any]:
    """Return the object that JSON holds, {} if it holds none."""
    with suppress(msgspec.DecodeError, UnicodeError):
        found = msgspec.json.decode(data)
        return found if isinstance(found, dict) else {}
    return {}


def record(stored: Stored, names: StreamNames) -> Record | None:
    """Return the record of a stored message, None if it is not an event."""
    if (found := read(stored, names)) is None:
        return None
    event, data = found
    return Record(
        sequence=stored.sequence,
        time=stored.time,
        name=event["type"].removeprefix(TYPE_PREFIX),
        source=event["source"],
        id=event["id"],
        order=order_of(event, data),
        buyer=_text(data.get("userId")) if is_of_order(event) else "",
        trace=trace_of(event),
        data=event.data[:_LONGEST].decode(errors="replace"),
        replayed_to=replayed_to(stored, names),
    )


def is_of_order(event: Event) -> bool:
    """Tell whether an event has an order's state."""
    return event["type"].startswith(f"{TYPE_PREFIX}order.")


def order_of(event: Event, data: dict[str, Any]) -> str:
    """Return the id of the order that an event is about, "" if it is about none."""
    return _text(data.get("id" if is_of_order(event) else "orderId"))


def trace_of(event: Event) -> str:
    """Return the trace id of an event's `traceparent` (W3C Trace Context), "" without one."""
    version, _, rest = (event.get("traceparent") or "").partition("-")
    return rest.partition("-")[0] if version == "00" else ""


def replayed_to(stored: Stored, names: StreamNames) -> str:
    """Return the Trigger that a message was replayed to, "" if it is for all."""
    prefix = names.replay("")
    subject = stored.message.subject
    return subject.removeprefix(prefix).replace("%2E", ".") if subject.startswith(prefix) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
