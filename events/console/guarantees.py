"""What may never happen, counted from the events of orders and payments: lost, oversold, stuck, charged twice."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from nats.aio.client import Client

from events.broker.subjects import StreamNames
from events.catalogue import EVENTS, TYPE_PREFIX, OrderState, PaymentCreated
from events.console import records
from events.console.streams import Stored, StreamReader

_HISTORY = 20_000  # events before now that are counted, too
_MOST_ORDERS = 20_000
_GRACE = timedelta(seconds=60)  # for what is on its way
_INTERVAL = 1.0  # seconds
_LIVE = {"created", "awaiting:payment", "complete"}
_UNPAID = {"created", "awaiting:payment"}


class Guarantees(Struct, rename="camel", frozen=True):
    """How often each guarantee is broken, among so many orders, of which `complete` and `cancelled` have ended.

    `lost` counts orders with a version that the log does not have, `oversold` tickets with two live orders, `stuck`
    unpaid orders a minute after their time, `charged_twice` orders with two charges.
    """

    orders: int
    complete: int
    cancelled: int
    lost: int
    oversold: int
    stuck: int
    charged_twice: int


@dataclass(slots=True)
class _Order:
    status: str = ""
    ticket: str = ""
    expires: datetime | None = None
    seen: datetime | None = None
    first: int | None = None
    newest: int = -1
    versions: int = 0  # as bits, from `first` on
    charges: set[str] = field(default_factory=set)


class Ledger:
    """The latest orders, as their events tell; the oldest are dropped when there are too many."""

    def __init__(self) -> None:
        self._orders: OrderedDict[str, _Order] = OrderedDict()

    def enter(self, name: str, data: dict[str, Any], time: datetime) -> None:
        """Enter an event, by its name without our prefix, that was stored at a time."""
        if name.startswith("order."):
            self._enter_state(self._order(data.get("id")), data, time)
        elif name == "payment.created":
            self._order(data.get("orderId")).charges.add(str(data.get("providerId")))

    def figures(self, now: datetime) -> Guarantees:
        """Count what is broken at a time."""
        orders = [one for one in self._orders.values() if one.status]
        live = defaultdict[str, int](int)
        for one in orders:
            live[one.ticket] += one.status in _LIVE
        return Guarantees(
            orders=len(orders),
            complete=sum(one.status == "complete" for one in orders),
            cancelled=sum(one.status == "cancelled" for one in orders),
            lost=sum(_has_gap(one) and one.seen is not None and one.seen + _GRACE < now for one in orders),
            oversold=sum(count > 1 for count in live.values()),
            stuck=sum(
                one.status in _UNPAID and one.expires is not None and one.expires + _GRACE < now for one in orders
            ),
            charged_twice=sum(len(one.charges) > 1 for one in orders),
        )

    def _order(self, order: object) -> _Order:
        found = self._orders.setdefault(str(order), _Order())
        if len(self._orders) > _MOST_ORDERS:
            self._orders.popitem(last=False)
        return found

    def _enter_state(self, one: _Order, data: dict[str, Any], time: datetime) -> None:
        version = data.get("version")
        if not isinstance(version, int):
            return
        if one.first is None:
            one.first = version  # the log may have dropped what came before
        one.versions |= 1 << max(0, version - one.first)
        one.seen = time
        if version >= one.newest:
            one.newest, one.status = version, str(data.get("status"))
            one.ticket = str((data.get("ticket") or {}).get("id"))
            with suppress(ValueError):
                one.expires = datetime.fromisoformat(str(data.get("expiresAt")))


def _has_gap(one: _Order) -> bool:
    """Tell whether a version is missing between the first and the newest that was seen."""
    return one.versions & (one.versions + 1) != 0


async def watch(connection: Client, names: StreamNames) -> AsyncIterator[Guarantees]:
    """Yield the figures every second, from the latest events on. Raises nats.errors.Error if there is no log."""
    ledger, reader = Ledger(), StreamReader(connection)
    after = max(0, (await connection.jetstream().stream_info(names.log)).state.last_seq - _HISTORY)
    subjects = [names.event(one.type()) for one in EVENTS if issubclass(one, OrderState | PaymentCreated)]

    async def read() -> None:
        async for batch in reader.follow(names.log, subjects, after):
            for stored in batch:
                _enter(ledger, stored, names)

    reading = asyncio.create_task(read())
    try:
        while not reading.done():
            await asyncio.sleep(_INTERVAL)
            yield ledger.figures(datetime.now(UTC))
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


def _enter(ledger: Ledger, stored: Stored, names: StreamNames) -> None:
    if (found := records.read(stored, names)) is not None:
        ledger.enter(found[0]["type"].removeprefix(TYPE_PREFIX), found[1], stored.time)
