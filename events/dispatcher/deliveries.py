"""The deliveries that run: one for each Trigger that has a consumer."""

import asyncio
import logging
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from events.broker.model import Route
from events.dispatcher.pull import Consumer, Pull
from events.dispatcher.settings import Settings
from events.dispatcher.subscriber import Subscribers
from events.dispatcher.worker import Worker
from events.runtime.connection import Connection
from events.runtime.tasks import Background

_log = logging.getLogger(__name__)

_SETTLING = 60.0  # seconds beyond a delivery's own timeout, for its reply or its dead letter


class Deliveries:
    """Pulls from the log, one for each route, and those that finish what they began.

    `changed` is set when a pull has lost its consumer; whoever else wants the reconciler to run sets it too.
    """

    def __init__(self, connection: Connection, subscribers: Subscribers, settings: Settings) -> None:
        self._connection = connection
        self._subscribers = subscribers
        self._settings = settings
        self._running: dict[Route, Pull] = {}
        self._stopping: dict[Pull, asyncio.Task[None]] = {}
        self._background = Background()
        self.changed = asyncio.Event()

    @property
    def routes(self) -> AbstractSet[Route]:
        """The routes that are delivered to."""
        return self._running.keys()

    @property
    def lost(self) -> bool:
        """Tell if a pull has lost its consumer."""
        return any(pull.lost for pull in self._running.values())

    async def watch(self) -> None:
        """Wait until a background task fails, and raise its error."""
        await self._background.watch()

    async def start(self, route: Route) -> None:
        """Deliver what a Trigger's consumer hands out. Raises nats.errors.Error."""
        worker = Worker(route.trigger, route.broker, self._connection, self._subscribers)
        stream_names = route.broker.stream_names
        name, slots = stream_names.consumer(route.trigger.name), route.trigger.concurrency
        consumer = Consumer(stream_names.log, name, slots, self._settings.ack_wait)
        pull = Pull(self._connection, consumer, worker.handle, self.changed, self._background)
        try:
            await pull.start()
        except BaseException:
            await pull.stop(0)
            raise
        self._running[route] = pull
        fields = {"trigger": route.trigger.name, "subscriber": route.trigger.subscriber.redacted}
        _log.info("Trigger subscribed to its JetStream consumer", extra=fields)

    def release_all_but(self, routes: AbstractSet[Route]) -> Iterable[Route]:
        """Stop deliveries of other routes and those that lost their consumer; return what is stopped.

        What they have in hand is finished in the background, while others may take over.
        """
        released = [route for route, pull in self._running.items() if route not in routes or pull.lost]
        for route in released:
            delivery = route.trigger.delivery or route.broker.delivery
            pull = self._running.pop(route)
            self._stopping[pull] = self._background.start(self._finish(pull, delivery.timeout + _SETTLING))
        return released

    async def _finish(self, pull: Pull, patience: float) -> None:
        await pull.stop(patience)
        del self._stopping[pull]

    async def drain(self) -> None:
        """Stop all, and let what is under way finish within the time for it."""
        pulls = [*self._running.values(), *self._stopping]
        self._running.clear()
        await asyncio.gather(*(pull.stop(self._settings.drain) for pull in pulls))
