"""Read a Broker's streams: what they hold now, from a time on, or what comes, from a sequence on.

Each reader has an ephemeral consumer of its own, without acknowledgements, that pulls: a console that lags or dies
holds no event back, and NATS removes its consumers by itself.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from events.broker.nats_binding import MessageInfo

_log = logging.getLogger(__name__)

_BATCH = 256  # messages, in memory for each reader
_PULL = 20.0  # seconds
_PATIENCE = 2.0  # seconds for messages that are there
_NANOSECONDS = 1_000_000_000
_UNUSED = 60.0  # seconds after which NATS removes a consumer that is not used
_PAUSE = 1.0  # seconds until a reader whose consumer is lost makes another

Wanted = Callable[[Msg], bool]


@dataclass(frozen=True, slots=True)
class Stored:
    """A message of a stream, with its sequence and the time when it was stored."""

    sequence: int
    time: datetime
    message: Msg


class StreamReader:
    """Reads streams of one JetStream."""

    def __init__(self, connection: Client) -> None:
        self._connection = connection
        self._jetstream = connection.jetstream()

    async def read(
        self, stream: str, subjects: Sequence[str], since: datetime | None = None, wanted: Wanted | None = None
    ) -> AsyncIterator[Stored]:
        """Yield the messages that a stream holds when the reading begins, oldest first; none if it does not exist.

        `since` is when the first of them was stored; `wanted` is asked before a message is read. Raises
        nats.errors.Error.
        """
        policy = DeliverPolicy.BY_START_TIME if since else DeliverPolicy.ALL
        with suppress(NotFoundError):
            async with self._consumer(stream, subjects, policy, opt_start_time=since) as pull:
                left = pull.pending
                while left > 0 and (batch := await pull.fetch(min(_BATCH, left), _PATIENCE)):
                    left -= len(batch)
                    for message in batch:
                        if wanted is None or wanted(message):
                            yield _stored(message)

    async def follow(self, stream: str, subjects: Sequence[str], after: int) -> AsyncIterator[list[Stored]]:
        """Yield batches of the messages after a sequence, for ever; an empty batch where none came for a while.

        It goes on behind the last one when NATS, or its consumer, was lost.
        """
        while True:
            try:
                start = {"opt_start_seq": after + 1}
                async with self._consumer(stream, subjects, DeliverPolicy.BY_START_SEQUENCE, **start) as pull:
                    while True:
                        batch = [_stored(message) for message in await pull.fetch(_BATCH, _PULL)]
                        after = batch[-1].sequence if batch else after
                        if not batch:
                            await self._jetstream.consumer_info(stream, pull.consumer)  # which fails if it is lost
                        yield batch
            except nats.errors.Error as error:
                _log.warning("reading the log failed; retrying", extra={"stream": stream, "reason": repr(error)})
                yield []
                await asyncio.sleep(_PAUSE)

    @asynccontextmanager
    async def _consumer(
        self,
        stream: str,
        subjects: Sequence[str],
        policy: DeliverPolicy,
        **start: Any,  # noqa: ANN401 the config's own
    ) -> AsyncIterator["_Pull"]:
        config = ConsumerConfig(
            deliver_policy=policy,
            filter_subjects=list(subjects),
            ack_policy=AckPolicy.NONE,
            mem_storage=True,
            num_replicas=1,
            inactive_threshold=_UNUSED,
            **start,
        )
        info = await self._jetstream.add_consumer(stream, config)
        pull = _Pull(self._connection, stream, info.name, info.num_pending or 0)
        try:
            await pull.open()
            yield pull
        finally:
            with suppress(nats.errors.Error):
                await pull.close()
                await self._jetstream.delete_consumer(stream, info.name)


class _Pull:
    """A consumer; `pending` messages were there for it when it was made.

    It receives messages by a callback: nats-py's `fetch` takes three times the processor time for each.
    """

    def __init__(self, connection: Client, stream: str, consumer: str, pending: int) -> None:
        self.consumer = consumer
        self.pending = pending
        self._connection = connection
        self._request = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._inbox = connection.new_inbox()
        self._subscription: Subscription | None = None
        self._messages: list[Msg] = []
        self._most = 0
        self._full = asyncio.Event()

    async def open(self) -> None:
        """Subscribe to what the consumer sends. Raises nats.errors.Error."""
        self._subscription = await self._connection.subscribe(self._inbox, cb=self._receive)

    async def close(self) -> None:
        """Unsubscribe. Raises nats.errors.Error."""
        if self._subscription is not None:
            await self._subscription.unsubscribe()

    async def fetch(self, most: int, seconds: float) -> list[Msg]:
        """Return the next messages, none if there are none within `seconds`. Raises nats.errors.Error."""
        await self._ask({"batch": most, "no_wait": True}, most, _PATIENCE)
        if not self._messages:
            await self._ask({"batch": 1, "expires": int(seconds * _NANOSECONDS)}, 1, seconds + _PATIENCE)
        messages, self._messages = self._messages, []
        return messages

    async def _ask(self, request: dict[str, Any], most: int, patience: float) -> None:
        self._most = most
        self._full.clear()
        await self._connection.publish(self._request, msgspec.json.encode(request), self._inbox)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._full.wait()

    async def _receive(self, message: Msg) -> None:
        if message.headers and "Status" in message.headers:  # there are no more
            self._full.set()
            return
        self._messages.append(message)
        if len(self._messages) >= self._most:
            self._full.set()


def _stored(message: Msg) -> Stored:
    info = MessageInfo.of(message)
    return Stored(info.sequence, datetime.fromtimestamp(info.timestamp, UTC), message)
