"""How an outbox empties: its change stream for latency, sweeps for certainty."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

from pymongo.errors import PyMongoError

from events.relay.outbox import Change, Outbox, Position, Row
from events.relay.publishing import RowPublisher

_log = logging.getLogger(__name__)

_BATCH = 100
_RETRY_DELAY = 1.0  # seconds
_NOTE_INTERVAL = 1.0  # seconds; noting each event by itself costs the database as much as storing it did
_SWEEP_INTERVAL = timedelta(minutes=1)
_IN_FLIGHT = timedelta(seconds=10)  # younger rows are the change stream's


class Relay:
    """Moves events from one outbox to one Broker. Several may run at once: JetStream drops what it has."""

    def __init__(self, outbox: Outbox, rows: RowPublisher) -> None:
        self._outbox = outbox
        self._rows = rows
        self._published: list[Row] = []
        self._position: Position | None = None
        self.following = False

    async def run(self) -> None:
        """Work until cancelled, whatever goes away and comes back."""
        while True:
            try:
                await self._follow()
            except* PyMongoError as errors:
                _log.warning("outbox is out of reach, trying on", extra={"reason": repr(errors.exceptions[0])})
            self.following = False
            await asyncio.sleep(_RETRY_DELAY)

    async def _follow(self) -> None:
        await self._outbox.prepare()
        # The change stream is open before the first sweep looks, so that no row falls between them.
        async with self._outbox.follow() as changes, asyncio.TaskGroup() as tasks:
            queue: asyncio.Queue[Change] = asyncio.Queue(_BATCH)
            tasks.create_task(_fill(queue, changes))
            tasks.create_task(self._publish_changes(queue))
            tasks.create_task(self._note())
            tasks.create_task(self._sweep())
            self.following = True

    async def _publish_changes(self, queue: asyncio.Queue[Change]) -> None:
        while True:
            batch = [await queue.get()]
            while not queue.empty():
                batch.append(queue.get_nowait())
            published = await self._rows.publish([row for row, _ in batch])
            self._published += published  # only now: meanwhile `_note` may have begun a new list
            self._position = batch[-1][1]

    async def _note(self) -> None:
        """Note from time to time what JetStream has. What is not noted when the relay dies is published again."""
        while True:
            await asyncio.sleep(_NOTE_INTERVAL)
            published, self._published = self._published, []
            position, self._position = self._position, None
            if published:
                await self._outbox.mark_published(published)
            if position:
                await self._outbox.save(position)

    async def _sweep(self) -> None:
        older_than = None
        while True:
            async for batch in self._outbox.unpublished(older_than):
                if published := await self._rows.publish(batch):
                    await self._outbox.mark_published(published)
            await asyncio.sleep(_SWEEP_INTERVAL.total_seconds())
            older_than = _IN_FLIGHT


async def _fill(queue: asyncio.Queue[Change], changes: AsyncIterator[Change]) -> None:
    async for change in changes:
        await queue.put(change)
