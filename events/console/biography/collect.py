"""Collect all that the Broker's streams know of one order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from nats.aio.client import Client
from nats.aio.msg import Msg

from events.broker.subjects import StreamNames
from events.catalogue import SOURCE_PREFIX, TYPE_PREFIX
from events.console import records
from events.console.biography import deliveries, verdict, words
from events.console.biography.deliveries import Deliveries
from events.console.biography.found import Found
from events.console.biography.model import Biography, Entry, Scheduled
from events.console.streams import StreamReader
from events.console.wiring import Wiring

CLOCK_SKEW = timedelta(minutes=5)  # how much the clock of a database may differ from the log's

_SCHEDULE = "@at "


@dataclass(slots=True)
class _Search:
    """Picks the messages of one order and of its ticket out of the log, by the ids in their data."""

    order: bytes
    ticket: bytes = b""
    deletions: dict[str, Found] = field(default_factory=dict)

    def wants(self, message: Msg) -> bool:
        """Tell whether a message may be of the order. A deletion may come before the order that it concerns."""
        data = message.data
        return self.order in data or (bool(self.ticket) and self.ticket in data) or b".ticket.deleted" in _type(message)


class Biographer:
    """Writes biographies of the orders of one Broker."""

    def __init__(self, connection: Client, names: StreamNames, wiring: Wiring) -> None:
        self._connection = connection
        self._names = names
        self._wiring = wiring
        self._reader = StreamReader(connection)

    async def write(self, order: str) -> Biography | None:
        """Return an order's biography, None if the log has nothing of it. Raises nats.errors.Error."""
        since = born(order)
        found = await self._events(order, since)
        if not any(one.name.startswith("order.") for one in found):
            return None
        part = order.encode()
        states = await deliveries.look(self._connection, self._names, list(self._wiring.routes), part, since)
        entries = [self._entry(one, order, states) for one in found]
        return verdict.biography(order, found, entries, await self._scheduled(part, since))

    async def _events(self, order: str, since: datetime) -> list[Found]:
        """Return the order's events in the log, oldest first, each once."""
        search, found = _Search(order.encode()), dict[str, Found]()
        subjects = [self._names.events(), self._names.replays()]
        async for stored in self._reader.read(self._names.log, subjects, since, search.wants):
            if (read := records.read(stored, self._names)) is None:
                continue
            one = Found(stored, *read)
            if one.name == "order.created" and one.data.get("id") == order:
                search.ticket = str(one.data.get("ticket", {}).get("id", "")).encode()
            if one.name == "ticket.deleted":
                search.deletions[str(one.data.get("id"))] = one
            else:
                _enter(found, one)
        if deletion := search.deletions.get(search.ticket.decode()):
            _enter(found, deletion)
        return _of_order(sorted(found.values(), key=lambda one: one.stored.sequence), order)

    def _entry(self, found: Found, order: str, states: Deliveries) -> Entry:
        text, mood = words.describe(found.name, found.data, order)
        sequence, target = found.stored.sequence, records.replayed_to(found.stored, self._names)
        receivers = self._wiring.receivers(found.event, target)
        return Entry(
            sequence=sequence,
            time=found.stored.time,
            name=found.name,
            service=found.event["source"].removeprefix(SOURCE_PREFIX),
            text=f"Replayed to {target}: {text}" if target else text,
            mood=mood,
            trace=records.trace_of(found.event),
            data=found.event.data.decode(errors="replace"),
            deliveries=[states.of(one.name, sequence, self._names) for one in receivers],
            replayed_to=target,
            copies=found.copies,
        )

    async def _scheduled(self, part: bytes, since: datetime) -> list[Scheduled]:
        """Return the order's events that are not due yet."""
        stream, subjects = self._names.schedules, [self._names.scheduled()]
        found = []
        async for stored in self._reader.read(stream, subjects, since, lambda message: part in message.data):
            due = (stored.message.headers or {}).get("Nats-Schedule", "").removeprefix(_SCHEDULE)
            read = records.read(stored, self._names)
            if due and read is not None:
                name = read[0]["type"].removeprefix(TYPE_PREFIX)
                found.append(Scheduled(name, datetime.fromisoformat(due), words.DUE.get(name, name)))
        return found


def born(object_id: str) -> datetime:
    """Return a time before an id was made: the first four bytes of an ObjectId are its second."""
    return datetime.fromtimestamp(int(object_id[:8], 16), UTC) - CLOCK_SKEW


def _enter(found: dict[str, Found], one: Found) -> None:
    """Enter an event, or count it as a copy of one that is there. A replay is an entry of its own."""
    key = f"{one.event['source']} {one.event['id']} {one.stored.message.subject}"
    if first := found.get(key):
        first.copies += 1
    else:
        found[key] = one


def _of_order(found: Sequence[Found], order: str) -> list[Found]:
    """Leave out what the ticket did before and after the order: only its reservation and its release are told."""
    kept, is_reserved = [], False
    for one in found:
        if one.name == "ticket.updated":
            was_reserved, is_reserved = is_reserved, one.data.get("orderId") == order
            if is_reserved == was_reserved:
                continue
        elif order not in one.stored.message.data.decode(errors="replace") and one.name != "ticket.deleted":
            continue
        kept.append(one)
    return kept


def _type(message: Msg) -> bytes:
    return message.subject.encode()
