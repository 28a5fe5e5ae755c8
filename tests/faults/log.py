"""What JetStream holds: how far delivery has come, which events are stored, which are dead."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamInfo
from nats.js.errors import NotFoundError

from events.broker.subjects import StreamNames
from events.deadletters import DeadLetters
from events.relay.losses import LOG, SCHEDULES
from events.runtime.publisher import Publisher
from local import manifests

T = TypeVar("T")

ANSWER_SECONDS = 30
STREAMS = (LOG, SCHEDULES)


@dataclass(frozen=True)
class Stored:
    """How often each event is in the log, by source and id.

    `since` is when the oldest of them was stored; None if the log has removed none.
    """

    events: Counter[tuple[str, str]]
    since: datetime | None


class Log:
    """The streams of the Broker that knative/ declares, seen by a client that comes for each question."""

    def __init__(self, nats_url: str) -> None:
        self._url = nats_url
        [broker] = (found["metadata"] for found in manifests.read() if found["kind"] == "Broker")
        self._stream_names = StreamNames(broker["namespace"], broker["name"])
        self._names = {LOG: self._stream_names.log, SCHEDULES: self._stream_names.schedules}

    def progress(self) -> dict[str, int]:
        """Return the fields of `Progress` that JetStream knows."""
        return self._ask(self._progress)

    def stored(self) -> Stored:
        """Return what the log holds."""
        return self._ask(self._stored)

    def created(self) -> Mapping[str, datetime | None]:
        """Return when the streams were created that a relay compares with its checkpoint."""
        return self._ask(self._created)

    def delete(self, kind: str) -> None:
        """Delete the stream of a kind, if it is there."""
        self._ask(lambda connection: self._delete(connection, kind))

    def dead_letters(self) -> list[str]:
        """Return the Trigger and the reason of each dead letter."""
        return self._ask(self._dead_letters)

    def _ask(self, question: Callable[[Client], Awaitable[T]]) -> T:
        async def answer() -> T:
            connection = await nats.connect(self._url)
            try:
                return await question(connection)
            finally:
                await connection.close()

        return asyncio.run(answer())

    async def _progress(self, connection: Client) -> dict[str, int]:
        jetstream = connection.jetstream(timeout=ANSWER_SECONDS)
        log = await jetstream.stream_info(self._stream_names.log)
        consumers = await jetstream.consumers_info(self._stream_names.log)
        schedules = await jetstream.stream_info(
            self._stream_names.schedules, subjects_filter=self._stream_names.scheduled()
        )
        return {
            "stored": log.state.last_seq,
            "undelivered": sum(one.num_pending or 0 for one in consumers),
            "unacknowledged": sum(one.num_ack_pending or 0 for one in consumers),
            "parked": await self._parked(jetstream),
            "due": _lag(log),
            "scheduled": len(schedules.state.subjects or {}),
        }

    async def _parked(self, jetstream: JetStreamContext) -> int:
        prefix = self._stream_names.parked_stream("")
        streams = await jetstream.streams_info()
        return sum(found.state.messages for found in streams if (found.config.name or "").startswith(prefix))

    async def _created(self, connection: Client) -> Mapping[str, datetime | None]:
        jetstream = connection.jetstream(timeout=ANSWER_SECONDS)
        return {kind: (await jetstream.stream_info(name)).created for kind, name in self._names.items()}

    async def _delete(self, connection: Client, kind: str) -> None:
        with suppress(NotFoundError):
            await connection.jetstream(timeout=ANSWER_SECONDS).delete_stream(self._names[kind])

    async def _stored(self, connection: Client) -> Stored:
        jetstream = connection.jetstream(timeout=ANSWER_SECONDS)
        count = (await jetstream.stream_info(self._stream_names.log)).state.messages
        every = await jetstream.subscribe(
            self._stream_names.events(), stream=self._stream_names.log, ordered_consumer=True, headers_only=True
        )
        messages = [await every.next_msg(ANSWER_SECONDS) for _ in range(count)]
        first = messages[0].metadata if messages else None
        return Stored(
            Counter((found["ce-source"], found["ce-id"]) for found in (one.headers or {} for one in messages)),
            first.timestamp if first and first.sequence.stream > 1 else None,
        )

    async def _dead_letters(self, connection: Client) -> list[str]:
        dead = DeadLetters(Publisher(connection), connection.jetstream(timeout=ANSWER_SECONDS), self._stream_names)
        return [f"{letter.trigger}: {letter.reason}" async for letter in dead.list()]


def _lag(log: StreamInfo) -> int:
    """Events that the schedules hold and the log does not yet."""
    return sum(source.lag or 0 for source in log.sources or [])
