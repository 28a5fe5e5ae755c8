"""Keeps room in the Brokers' logs: removes history when it is needed, and tells the ingress when none is left.

The floor of a log is the lowest sequence that some consumer has not acknowledged, less one. What is above it is needed;
what is below it is history, and kept as far as there is room. JetStream goes on to source due events where it was, also
after a restart, if the last one that it sourced is removed.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import ceil

import nats.errors
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo, RawStreamMsg, StreamInfo
from nats.js.errors import NotFoundError

from events.broker.consumers import all_consumers
from events.broker.model import Broker
from events.broker.streams import uid
from events.runtime import metrics
from events.runtime.tasks import raise_if_cancelled

_log = logging.getLogger(__name__)

_INTERVAL = 2.0  # seconds between two looks at a log
_PAUSE = 0.02  # seconds, at least, even if the ingress asks for one
_PURGE_ABOVE, _PURGE_TO, _REJECT_ABOVE = 0.6, 0.5, 0.8  # of a log's maximum bytes
_PATIENCE = 2.0  # seconds that the ingress waits for a look at a log that seems full

Name = tuple[str, str]  # namespace and name of a Broker


@dataclass(slots=True)
class _Fill:
    """The bytes of a log when it was last looked at, with what the ingress was to store since.

    `admitted` counts the bytes that the ingress was ever to store.
    """

    bytes: int
    limit: int
    admitted: int
    is_short: bool = False

    def has_room(self, size: int) -> bool:
        return self.bytes + size <= _REJECT_ABOVE * self.limit


class LogSpace:
    """Looks after the logs of `brokers`; `consumers` returns the names of those that a Broker's is to have.

    Nothing is removed from a log while one of those consumers is missing.
    """

    def __init__(
        self,
        jetstream: JetStreamContext,
        brokers: Callable[[], Mapping[Name, Broker]],
        consumers: Callable[[Broker], frozenset[str]],
    ) -> None:
        self._jetstream = jetstream
        self._brokers = brokers
        self._consumers = consumers
        self._fills: dict[Name, _Fill] = {}
        self._wake = asyncio.Event()
        self._looked = asyncio.Condition()

    async def admits(self, name: Name, size: int) -> bool:
        """Tell if the ingress may store `size` more bytes for a Broker: up to 80 % of its log.

        The rest is for the relays and for replies, which bring forward what was accepted already.
        """
        fill = self._fills.get(name)
        if fill is None or fill.bytes + size > _PURGE_ABOVE * fill.limit:
            self._wake.set()
        if fill is None or not fill.has_room(size):
            fill = await self._look_for_room(name, size)
        if fill is None:  # not known, so JetStream has to say itself
            return True
        fill.bytes += size
        fill.admitted += size
        return fill.has_room(0)

    async def _look_for_room(self, name: Name, size: int) -> _Fill | None:
        """Wait until a log has room, for two seconds at most: deliveries may be making some."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE), self._looked:
                while (fill := self._fills.get(name)) is None or not fill.has_room(size):
                    self._wake.set()
                    await self._looked.wait()
        return self._fills.get(name)

    async def run(self) -> None:
        """Look at the logs until cancelled, every two seconds and whenever one fills up."""
        while True:
            for name, broker in tuple(self._brokers().items()):
                try:
                    await self._look(name, broker)
                except nats.errors.Error as error:
                    fields = {"broker": "/".join(name), "reason": repr(error)}
                    _log.warning("fill level of the log unknown; retrying in 2 s", extra=fields)
            raise_if_cancelled()
            self._forget()
            async with self._looked:
                self._looked.notify_all()
            await asyncio.sleep(_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL):
                    await self._wake.wait()
            self._wake.clear()

    def _forget(self) -> None:
        for name in self._fills.keys() - self._brokers().keys():
            del self._fills[name]
            metrics.forget_broker(*name)

    async def _look(self, name: Name, broker: Broker) -> None:
        log = broker.stream_names.log
        before, info = self._admitted(name), await self._jetstream.stream_info(log)
        if info.state.bytes > _PURGE_ABOVE * broker.max_bytes and await self._purge(broker, info):
            before, info = self._admitted(name), await self._jetstream.stream_info(log)
        was_short = name in self._fills and self._fills[name].is_short
        admitted = self._admitted(name)
        fill = self._fills[name] = _Fill(info.state.bytes + admitted - before, broker.max_bytes, admitted)
        fill.is_short = not fill.has_room(0)
        metrics.FILL.labels(*name).set(fill.bytes / fill.limit)
        if fill.is_short and not was_short:
            fields = {"broker": "/".join(name), "bytes": fill.bytes, "limit": fill.limit}
            _log.error(
                "log is over 80 % full of undelivered events; the ingress responds 503 until some are delivered",
                extra=fields,
            )
        elif was_short and not fill.is_short:
            _log.info("log has room again; the ingress accepts events", extra={"broker": "/".join(name)})

    def _admitted(self, name: Name) -> int:
        return self._fills[name].admitted if name in self._fills else 0

    async def _purge(self, broker: Broker, info: StreamInfo) -> bool:
        """Remove the oldest history, as much as is needed; return False if there is none."""
        first, floor = info.state.first_seq, await self._floor(broker, info)
        excess = info.state.bytes - _PURGE_TO * broker.max_bytes
        count = ceil(excess * info.state.messages / info.state.bytes)
        last = min(floor, first + count - 1)
        if last < first:
            return False
        await self._jetstream.purge_stream(broker.stream_names.log, seq=last + 1)
        return True

    async def _floor(self, broker: Broker, info: StreamInfo) -> int:
        """Return the sequence up to which all events are acknowledged; 0 if a consumer is missing."""
        consumers, wanted = await all_consumers(self._jetstream, broker.stream_names.log), self._consumers(broker)
        if not wanted <= {consumer.name for consumer in consumers}:
            return 0
        # Those of Triggers that are not resolved count too; in a cluster these have a uid. Other consumers do not.
        needed = [one for one in consumers if one.name in wanted or uid(one.config.metadata)]
        floors = [await self._floor_of(consumer, info.state.last_seq) for consumer in needed]
        return min(floors, default=info.state.last_seq)

    async def _floor_of(self, consumer: ConsumerInfo, last: int) -> int:
        """`last` is the log's last sequence before the consumer was asked."""
        if not (consumer.num_pending or consumer.num_ack_pending):
            return last
        acknowledged = consumer.ack_floor.stream_seq if consumer.ack_floor else 0
        subjects = consumer.config.filter_subjects or [consumer.config.filter_subject or ""]
        found = [await self._next(consumer.stream_name, acknowledged + 1, subject) for subject in subjects]
        return min((message.seq - 1 for message in found if message is not None and message.seq), default=last)

    async def _next(self, stream: str, sequence: int, subject: str) -> RawStreamMsg | None:
        try:
            return await self._jetstream.get_msg(stream, sequence, subject=subject, next=True)
        except NotFoundError:
            return None
