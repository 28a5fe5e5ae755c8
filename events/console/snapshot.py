"""What is true of the whole system now: Triggers, the Broker's streams, outboxes."""

import asyncio
import time
from datetime import UTC, datetime

from msgspec import Struct
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from events.broker.subjects import StreamNames
from events.console.databases import Databases, Outbox
from events.console.rates import Rates
from events.console.triggers import TriggerState, TriggerStates

_FRESH = 1.9  # seconds until JetStream and the databases are asked again


class StreamState(Struct, rename="camel", frozen=True):
    """A stream: its size in bytes (`max_bytes` is None without a bound), its messages, and how fast they come."""

    name: str
    messages: int = 0
    bytes: int = 0
    max_bytes: int | None = None
    last_sequence: int = 0
    rate: float | None = None
    replicas: int = 1


class Snapshot(Struct, rename="camel", frozen=True):
    """The state of the system at a time; `outboxes` is None if the console may not read the databases."""

    time: datetime
    triggers: list[TriggerState]
    log: StreamState
    schedules: StreamState
    dead_letters: StreamState
    outboxes: list[Outbox] | None


class Snapshots:
    """Takes snapshots, one at a time, and only when one is asked for."""

    def __init__(
        self, jetstream: JetStreamContext, names: StreamNames, triggers: TriggerStates, databases: Databases
    ) -> None:
        self._jetstream = jetstream
        self._names = names
        self._triggers = triggers
        self._databases = databases
        self._rates = Rates()
        self._lock = asyncio.Lock()
        self._last: tuple[float, Snapshot] | None = None

    async def latest(self) -> Snapshot:
        """Return a snapshot that is about two seconds old at most. Raises nats.errors.Error."""
        async with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > _FRESH:
                self._last = time.monotonic(), await self._take()
            return self._last[1]

    async def _take(self) -> Snapshot:
        dead = await self._dead_by_subject()
        triggers, log, schedules, letters, outboxes = await asyncio.gather(
            self._triggers.read(dead),
            self._stream(self._names.log),
            self._stream(self._names.schedules),
            self._stream(self._names.dead_letters),
            self._databases.outboxes(),
        )
        return Snapshot(datetime.now(UTC), triggers, log, schedules, letters, outboxes or None)

    async def _stream(self, name: str) -> StreamState:
        try:
            info = await self._jetstream.stream_info(name)
        except NotFoundError:
            return StreamState(name)
        bound = info.config.max_bytes
        return StreamState(
            name=name,
            messages=info.state.messages,
            bytes=info.state.bytes,
            max_bytes=bound if bound and bound > 0 else None,
            last_sequence=info.state.last_seq,
            rate=self._rates.of(name, info.state.last_seq),
            replicas=info.config.num_replicas or 1,
        )

    async def _dead_by_subject(self) -> dict[str, int]:
        try:
            info = await self._jetstream.stream_info(self._names.dead_letters, self._names.all_dead_letters())
        except NotFoundError:
            return {}
        return info.state.subjects or {}
