"""Find orders by what a person has at hand: the id of an order, ticket, payment, buyer or trace, or an email."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg

from events.broker.subjects import StreamNames
from events.cloudevents.event import Event
from events.console import records
from events.console.access import InvalidRequest
from events.console.biography import words
from events.console.biography.collect import born
from events.console.streams import Stored, StreamReader

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_SHORTEST = 6  # characters, below which almost any event would match
_MOST = 100  # orders

FindUser = Callable[[str], Awaitable[str | None]]


class FoundOrder(Struct, rename="camel"):
    """An order as a list shows it, in its newest version that was found; `reason` is why it was cancelled."""

    id: str
    title: str = ""
    status: str = ""
    reason: str = ""
    time: datetime | None = None
    version: int = -1


class Search:
    """Finds orders in the log of one Broker. `find_user` returns the id of an email's owner, if it may look there."""

    def __init__(self, connection: Client, names: StreamNames, find_user: FindUser | None) -> None:
        self._names = names
        self._reader = StreamReader(connection)
        self._find_user = find_user

    async def find(self, term: str) -> list[FoundOrder]:
        """Return the orders that a term leads to, newest first. Raises InvalidRequest and nats.errors.Error."""
        wanted = await self._user(term) if "@" in term else term.strip().lower()
        if len(wanted) < _SHORTEST:
            raise InvalidRequest(f"enter at least {_SHORTEST} characters of an id, or an email")
        since = born(wanted) if _OBJECT_ID.fullmatch(wanted) else None
        found = dict[str, FoundOrder]()
        exact, part = wanted, wanted.encode()

        def wants(message: Msg) -> bool:
            return part in message.data.lower() or exact in (message.headers or {}).get("ce-traceparent", "")

        async for stored in self._reader.read(self._names.log, [self._names.events()], since, wants):
            _enter(found, stored, self._names)
        await self._complete(found)
        return sorted(found.values(), key=lambda one: one.id, reverse=True)[:_MOST]

    async def _user(self, email: str) -> str:
        if self._find_user is None:
            raise InvalidRequest("this console may not look up emails; search by an id")
        if (user := await self._find_user(email.strip().lower())) is None:
            raise InvalidRequest("no account has this email")
        return user

    async def _complete(self, found: dict[str, FoundOrder]) -> None:
        """Read the newest state of orders of which only a payment, or an older state, was found."""
        if not found:
            return
        parts = [order.encode() for order in list(found)[-_MOST:]]

        def wants(message: Msg) -> bool:
            return ".order." in message.subject and any(part in message.data for part in parts)

        oldest = min(born(order) for order in found)
        async for stored in self._reader.read(self._names.log, [self._names.events()], oldest, wants):
            _enter(found, stored, self._names, known=True)


def _enter(found: dict[str, FoundOrder], stored: Stored, names: StreamNames, *, known: bool = False) -> None:
    if (read := records.read(stored, names)) is None:
        return
    event, data = read
    order = records.order_of(event, data)
    if not _OBJECT_ID.fullmatch(order) or (known and order not in found):
        return
    one = found.setdefault(order, FoundOrder(order))
    if records.is_of_order(event):
        _update(one, event, data, stored.time)


def _update(one: FoundOrder, event: Event, data: dict[str, Any], time: datetime) -> None:
    version = data.get("version")
    if isinstance(version, int) and version >= one.version:
        one.version, one.time = version, time
        one.title, one.status = words.title(data), str(data.get("status", ""))
        one.reason = str(data.get("reason", "")) if event["type"].endswith(".cancelled") else ""
