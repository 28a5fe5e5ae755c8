"""How an outbox empties: its change stream, from where the relay was when it last noted that."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from pymongo.errors import PyMongoError

from events.relay.checkpoint import Position
from events.relay.outbox import Change, Outbox
from events.relay.publishing import RowPublisher

_log = logging.getLogger(__name__)

_BATCH = 100
_RETRY_DELAY = 1.0  # seconds
_NOTE_INTERVAL = 1.0  # seconds; noting each event by itself costs the database as much as storing it did
_LOOK_INTERVAL = 60.0  # seconds
_FORGET_INTERVAL = 3600.0  # seconds
_STALL = 60.0  # seconds


class _StalledError(Exception):
    """What came from the change stream had no place to go for _STALL seconds."""


class Relay:
    """Moves events from one outbox to one Broker. Several may run at once: JetStream drops what it has."""

    def __init__(self, outbox: Outbox, rows: RowPublisher) -> None:
        self._outbox = outbox
        self._rows = rows
        self._position: Position | None = None
        self.following = False

    async def run(self) -> None:
        """Work until cancelled, whatever goes away and comes back."""
        while True:
            try:
                await self._follow()
            except* PyMongoError as errors:
                _log.warning("outbox is out of reach, trying on", extra={"reason": repr(errors.exceptions[0])})
            except* _StalledError:
                _log.warning("nobody takes what comes from the outbox, following it anew")
            self.following = False
            await asyncio.sleep(_RETRY_DELAY)

    async def _follow(self) -> None:
        self._position = None  # of the last stream: whoever lost its position since must not find it again
        # The change stream is open before anybody looks for older rows, so that none falls between them.
        async with self._outbox.follow() as changes, asyncio.TaskGroup() as tasks:
            queue: asyncio.Queue[Change] = asyncio.Queue(_BATCH)
            tasks.create_task(_fill(queue, changes))
            tasks.create_task(self._publish_changes(queue))
            tasks.create_task(_every(_NOTE_INTERVAL, self._note))
            tasks.create_task(_every(_LOOK_INTERVAL, self._look_back))
            tasks.create_task(_every(_FORGET_INTERVAL, self._forget))
            self.following = True

    async def _publish_changes(self, queue: asyncio.Queue[Change]) -> None:
        while True:
            batch = [await queue.get()]
            while not queue.empty():
                batch.append(queue.get_nowait())
            await self._outbox.notes.refuse(await self._rows.publish([row for row, _ in batch]))
            self._position = batch[-1][1]

    async def _note(self) -> None:
        """Save from time to time how far JetStream has come; a successor publishes again what came later."""
        position, self._position = self._position, None
        if position:
            await self._outbox.notes.save(position)

    async def _look_back(self) -> None:
        """Publish what somebody asks for once more, and what could not be published: the reason may be gone."""
        async for batch in self._outbox.again():
            await self._outbox.notes.refuse(await self._rows.publish(batch))
        async for batch in self._outbox.refused():
            still = {row["_id"] for row, _ in await self._rows.publish(batch)}
            await self._outbox.notes.accept(row for row in batch if row["_id"] not in still)

    async def _forget(self) -> None:
        try:
            await self._outbox.forget()
        except PyMongoError as error:  # publishing goes on without it
            _log.warning("old rows are not forgotten", extra={"reason": repr(error)})


async def _fill(queue: asyncio.Queue[Change], changes: AsyncIterator[Change]) -> None:
    """A stream that nobody reads for long may lose what it has not given yet: opening it again would show that."""
    async for change in changes:
        try:
            async with asyncio.timeout(_STALL):
                await queue.put(change)
        except TimeoutError as error:
            raise _StalledError from error


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await work()
        await asyncio.sleep(seconds)
