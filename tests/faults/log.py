"""What JetStream holds: how far delivery has come, which events are stored, which are dead."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import nats
from nats.aio.client import Client
from nats.js.api import StreamInfo

from events.broker.subjects import StreamNames
from events.deadletters import DeadLetters
from events.runtime.publisher import Publisher
from local import manifests

T = TypeVar("T")

ANSWER_SECONDS = 30


class Log:
    """The streams of the Broker that knative/ declares, seen by a client that comes for each question."""

    def __init__(self, nats_url: str) -> None:
        self._url = nats_url
        [broker] = (found["metadata"] for found in manifests.read() if found["kind"] == "Broker")
        self._stream_names = StreamNames(broker["namespace"], broker["name"])

    def progress(self) -> dict[str, int]:
        """Return the fields of `Progress` that JetStream knows."""
        return self._ask(self._progress)

    def stored(self) -> Counter[tuple[str, str]]:
        """Count each event in the log, by source and id."""
        return self._ask(self._stored)

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
            "due": _lag(log),
            "scheduled": len(schedules.state.subjects or {}),
        }

    async def _stored(self, connection: Client) -> Counter[tuple[str, str]]:
        jetstream = connection.jetstream(timeout=ANSWER_SECONDS)
        count = (await jetstream.stream_info(self._stream_names.log)).state.messages
        every = await jetstream.subscribe(
            self._stream_names.events(), stream=self._stream_names.log, ordered_consumer=True, headers_only=True
        )
        messages = [await every.next_msg(ANSWER_SECONDS) for _ in range(count)]
        return Counter((found["ce-source"], found["ce-id"]) for found in (one.headers or {} for one in messages))

    async def _dead_letters(self, connection: Client) -> list[str]:
        dead = DeadLetters(Publisher(connection), connection.jetstream(timeout=ANSWER_SECONDS), self._stream_names)
        return [f"{letter.trigger}: {letter.reason}" async for letter in dead.list()]


def _lag(log: StreamInfo) -> int:
    """Events that the schedules hold and the log does not yet."""
    return sum(source.lag or 0 for source in log.sources or [])
