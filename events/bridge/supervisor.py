"""Keeps what runs equal to what is wanted: streams, consumers, and a worker for each Trigger."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import nats.errors

from events.bridge.pull import Consumer, Pull
from events.bridge.resources import Broker, Trigger, Wiring
from events.bridge.streams import ensure_consumer, ensure_streams, note_bound
from events.bridge.subscriber import Subscribers
from events.bridge.worker import Worker
from events.connection import Connection

_log = logging.getLogger(__name__)

_RETRY_DELAY = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Settings:
    """`ack_wait`: seconds after which what a dead bridge had in hand is handed out again.

    `drain`: seconds that deliveries under way may still take when the process is to stop.
    """

    ack_wait: float = 10.0
    drain: float = 4.0


@dataclass(frozen=True, slots=True)
class Route:
    """A Trigger with its Broker: what a worker is made for. Made anew when any of it changes."""

    trigger: Trigger
    broker: Broker


class Supervisor:
    """Runs a worker for each Trigger of the wiring that `source` yields."""

    def __init__(self, connection: Connection, subscribers: Subscribers, settings: Settings) -> None:
        self._connection = connection
        self._jetstream = connection.jetstream()
        self._subscribers = subscribers
        self._settings = settings
        self._running: dict[Route, Pull] = {}
        self._alarm = asyncio.Event()
        self._settled = False

    @property
    def ready(self) -> bool:
        """Whether what runs is what is wanted: each Trigger's consumer bound."""
        return self._settled

    async def run(self, source: AsyncIterator[Wiring]) -> None:
        """Work until cancelled, then drain."""
        try:
            async with asyncio.TaskGroup() as tasks:
                keeping: asyncio.Task[None] | None = None
                async for wiring in source:
                    if keeping is not None:
                        keeping.cancel()
                        await asyncio.wait([keeping])
                    keeping = tasks.create_task(self._keep(wiring))
        finally:
            await self._stop(self._running)

    async def _keep(self, wiring: Wiring) -> None:
        brokers = {(broker.namespace, broker.name): broker for broker in wiring.brokers}
        wanted = {Route(one, brokers[one.namespace, one.broker]) for one in wiring.triggers}
        while True:
            self._settled = False
            self._alarm.clear()
            try:
                await self._reconcile(wiring.brokers, wanted)
            except nats.errors.Error as error:
                _log.warning("JetStream is not ready, trying on", extra={"reason": str(error)})
            else:
                self._settled = True
                await self._alarm.wait()
            await asyncio.sleep(_RETRY_DELAY)

    async def _reconcile(self, brokers: tuple[Broker, ...], wanted: set[Route]) -> None:
        gone = [route for route, pull in self._running.items() if route not in wanted or pull.lost]
        await self._stop(gone)
        for broker in brokers:
            await ensure_streams(self._jetstream, broker)
        for route in wanted - self._running.keys():
            self._running[route] = await self._start(route)
        for broker in brokers:
            await note_bound(self._jetstream, broker)

    async def _start(self, route: Route) -> Pull:
        layout = route.broker.layout
        await ensure_consumer(self._jetstream, route.trigger, route.broker, self._settings.ack_wait)
        worker = Worker(route.trigger, route.broker, self._connection, self._subscribers)
        name, slots = layout.consumer(route.trigger.name), route.trigger.concurrency
        consumer = Consumer(layout.log, name, slots, self._settings.ack_wait)
        pull = Pull(self._connection, consumer, worker.handle, self._alarm)
        await pull.start()
        _log.info("trigger is bound", extra={"trigger": route.trigger.name, "subscriber": route.trigger.subscriber.url})
        return pull

    async def _stop(self, routes: Iterable[Route]) -> None:
        pulls = [self._running.pop(route) for route in tuple(routes)]
        await asyncio.gather(*(pull.stop(self._settings.drain) for pull in pulls))
