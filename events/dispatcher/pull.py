"""A continuous pull from a durable consumer, bounded by how many messages may be handled at once."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from events.runtime.tasks import Background, raise_if_cancelled

_log = logging.getLogger(__name__)

_SECOND = 1_000_000_000  # nanoseconds, JetStream's unit
_EXPIRES = 30.0  # seconds until a request for messages expires at the server
_HEARTBEAT = 2.0  # seconds between the server's heartbeats while a request waits
_MAX_TICK = 1.0  # seconds
_EXPIRED = "408"
_IDLE = "100"
_IN_PROGRESS = b"+WPI"
_NAK = b"-NAK"

Handler = Callable[[Msg], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable consumer, how many of its messages are handled at once, and its `ack_wait` in seconds."""

    stream: str
    name: str
    slots: int
    ack_wait: float


class Pull:
    """Hands each message to `handle` in a task of its own. Sets `changed` and `lost` when the consumer is gone.

    One subscription receives all messages; requests for more go out as slots become free, several at once. While a
    message is handled, the server is told so in time, so that it is not redelivered.
    """

    def __init__(
        self, connection: Client, consumer: Consumer, handle: Handler, changed: asyncio.Event, background: Background
    ) -> None:
        self._connection = connection
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{consumer.stream}.{consumer.name}"
        self._handle = handle
        self._slots = consumer.slots
        self._tick = min(_MAX_TICK, consumer.ack_wait / 3)
        self._requested = 0
        self._reconnects = 0
        self._heard = 0.0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._inbox = connection.new_inbox()
        self._subscription: Subscription | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._changed = changed
        self._background = background
        self.lost = False

    async def start(self) -> None:
        """Begin to receive messages."""
        self._reconnects = self._connection.stats["reconnects"]
        self._subscription = await self._connection.subscribe(self._inbox, cb=self._receive)
        self._ticker = self._background.start(self._keep_ticking())
        await self._request()

    async def stop(self, patience: float) -> None:
        """Receive no more; wait `patience` seconds for what is under way. JetStream redelivers what is not done."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.unsubscribe()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=patience)
        for task in (self._ticker, *self._tasks.values()):
            if task is not None:
                task.cancel()

    async def _receive(self, message: Msg) -> None:
        self._heard = asyncio.get_running_loop().time()
        if message.subject == self._inbox:
            await self._note_status(message.headers or {})
            return
        self._requested = max(0, self._requested - 1)
        if self._subscription is None or len(self._tasks) >= self._slots:
            await self._connection.publish(message.reply, _NAK)
            return
        # A server that was killed may deliver again what is being handled, its counters unchanged.
        if message.reply not in self._tasks:
            self._tasks[message.reply] = self._background.start(self._run(message))

    async def _run(self, message: Msg) -> None:
        try:
            await self._handle(message)
        finally:
            del self._tasks[message.reply]
        with suppress(nats.errors.Error):  # while disconnected; the next tick requests again
            await self._request()

    async def _request(self) -> None:
        """Request as many messages as there are free slots, once half are free.

        Without a connection the requests would queue up in the client, to be sent all at once when it is back.
        """
        free = self._slots - self._requested - len(self._tasks)
        is_receiving = self._subscription is not None and self._connection.is_connected
        if not is_receiving or free <= 0 or (self._requested and 2 * free < self._slots):
            return
        self._requested += free
        self._heard = asyncio.get_running_loop().time()
        wanted = {"batch": free, "expires": int(_EXPIRES * _SECOND), "idle_heartbeat": int(_HEARTBEAT * _SECOND)}
        await self._connection.publish(self._subject, json.dumps(wanted).encode(), reply=self._inbox)

    async def _note_status(self, headers: dict[str, str]) -> None:
        """Handle the end of a request: it expired, or the consumer was deleted, or its server left."""
        status = headers.get("Status")
        if status == _IDLE:
            return
        if status == _EXPIRED:
            self._requested = max(0, self._requested - int(headers.get("Nats-Pending-Messages", self._requested)))
            await self._request()
            return
        _log.warning(
            "consumer does not respond or was deleted; checking its stream",
            extra={"consumer": self._subject, "status": status},
        )
        self.lost = True
        self._changed.set()

    async def _keep_ticking(self) -> None:
        while True:
            await asyncio.sleep(self._tick)
            with suppress(nats.errors.Error):  # while disconnected; the next tick repeats it
                await self._refresh()
            raise_if_cancelled()

    async def _refresh(self) -> None:
        for reply in tuple(self._tasks):
            await self._connection.publish(reply, _IN_PROGRESS)
        reconnects, self._reconnects = self._reconnects, self._connection.stats["reconnects"]
        if reconnects != self._reconnects:
            self._requested = 0  # the server forgot them with the connection
            return  # the next tick requests: relays look first if a server that was restarted has lost messages
        if asyncio.get_running_loop().time() - self._heard > 2 * _HEARTBEAT:
            self._requested = 0  # the server has fallen silent
        await self._request()
