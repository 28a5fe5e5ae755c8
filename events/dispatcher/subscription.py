"""The delivery of one Trigger: a pull from the log, and one of its parked events once there are any."""

import asyncio
from dataclasses import dataclass

from events.broker.model import Route
from events.dispatcher.parking import Parking
from events.dispatcher.pull import Consumer, Pull
from events.dispatcher.subscriber import Subscribers
from events.dispatcher.worker import Worker
from events.runtime.connection import Connection
from events.runtime.tasks import Background


@dataclass(frozen=True, slots=True)
class Shared:
    """What all subscriptions of a process share; `changed` is set when a consumer is lost. `ack_wait` in seconds."""

    connection: Connection
    subscribers: Subscribers
    ack_wait: float
    changed: asyncio.Event
    background: Background


class Subscription:
    """Delivers what the consumers of a Trigger deliver."""

    def __init__(self, route: Route, shared: Shared) -> None:
        self._route = route
        self._shared = shared
        self._pulls: list[Pull] = []
        self._stopping = False
        self._pulls_parked = False
        self.parking = Parking(shared.connection, route, shared.ack_wait, self._pull_parked)
        self._worker = Worker(route, shared.connection, shared.subscribers, self.parking)

    @property
    def lost(self) -> bool:
        """Tell if a consumer is lost."""
        return any(pull.lost for pull in self._pulls)

    async def start(self) -> None:
        """Begin to deliver. Raises nats.errors.Error."""
        try:
            names = self._route.broker.stream_names
            pull = self._pull(names.log)
            await self.parking.refresh()
            await pull.start()
        except BaseException:
            await self.stop(0)
            raise

    async def stop(self, patience: float) -> None:
        """Receive no more; wait `patience` seconds for what is under way."""
        self._stopping = True
        await asyncio.gather(*(pull.stop(patience) for pull in self._pulls))

    def _pull(self, stream: str) -> Pull:
        names, trigger = self._route.broker.stream_names, self._route.trigger
        handle = self._worker.handle if stream == names.log else self._worker.handle_parked
        consumer = Consumer(stream, names.consumer(trigger.name), trigger.concurrency, self._shared.ack_wait)
        pull = Pull(self._shared.connection, consumer, handle, self._shared.changed, self._shared.background)
        self._pulls.append(pull)
        return pull

    async def _pull_parked(self) -> None:
        """Start the one pull of parked events; it goes on by itself when their stream was away."""
        if self._stopping or self._pulls_parked:
            return
        pull = self._pull(self._route.broker.stream_names.parked_stream(self._route.trigger.name))
        try:
            await pull.start()
        except BaseException:
            self._pulls.remove(pull)
            await pull.stop(0)
            raise
        self._pulls_parked = True
