"""Move events from an outbox to the log: follow the change stream, replay what is requested, save the position."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from pymongo.errors import PyMongoError

from events.relay.checkpoint import Position
from events.relay.loss_watch import LossWatch
from events.relay.outbox import Change, Outbox
from events.relay.publishing import RowPublisher
from events.relay.recent import RecentRows
from events.runtime import relay_metrics
from events.runtime.tasks import raise_if_cancelled

_log = logging.getLogger(__name__)

_BATCH = 100  # rows
_RETRY_DELAY = 1.0  # seconds
_SAVE_INTERVAL = 1.0  # seconds; saving each event's position costs the database as much as storing the event did
_REJECTED_INTERVAL = 60.0  # seconds
_DELETE_INTERVAL = 3600.0  # seconds
_STALL = 60.0  # seconds


class _StalledError(Exception):
    """JetStream accepted nothing of the change stream for _STALL seconds."""


class Relay:
    """Moves events from one outbox to one Broker. Several may run at once: JetStream drops duplicates.

    `following` is true while the change stream is open. `pending_since` is when the oldest event was committed that
    came by it and is not stored yet, None without any.
    """

    def __init__(self, outbox: Outbox, rows: RowPublisher, losses: LossWatch) -> None:
        self._outbox = outbox
        self._rows = rows
        self._losses = losses
        self._position: Position | None = None
        self._recent = RecentRows()
        self.pending_since: datetime | None = None
        self.following = False

    async def run(self) -> None:
        """Work until cancelled, through every outage of the database and of JetStream."""
        while True:
            try:
                await self._follow()
            except* PyMongoError as errors:
                _log.warning("outbox is unavailable; retrying in 1 s", extra={"reason": repr(errors.exceptions[0])})
            except* _StalledError:
                _log.warning("change stream stalled: JetStream accepted nothing for 60 s; reopening")
            self.following = False
            await asyncio.sleep(_RETRY_DELAY)

    async def _follow(self) -> None:
        self._position = None  # the last stream's: a position that was lost since must not be saved again
        # The change stream opens before older rows are read, so that no row falls between the two.
        async with self._outbox.follow() as changes, asyncio.TaskGroup() as tasks:
            queue: asyncio.Queue[Change] = asyncio.Queue(_BATCH)
            tasks.create_task(_fill(queue, changes))
            tasks.create_task(self._publish_changes(queue))
            tasks.create_task(_every(_SAVE_INTERVAL, self._save_position))
            tasks.create_task(self._keep_checking())
            tasks.create_task(_every(_REJECTED_INTERVAL, self._retry_rejected))
            tasks.create_task(self._keep_deleting())
            self.following = True

    async def _publish_changes(self, queue: asyncio.Queue[Change]) -> None:
        while True:
            batch = [await queue.get()]
            while not queue.empty():
                batch.append(queue.get_nowait())
            self.pending_since = batch[0][1].at
            await self._outbox.rejected.add(await self._rows.publish([row for row, _ in batch]))
            self._position = batch[-1][1]
            for row, position in batch:
                self._recent.add(row["_id"], position.at)
            self.pending_since = None

    async def _save_position(self) -> None:
        """Save how far JetStream has stored the outbox; a successor publishes again what came after."""
        position, self._position = self._position, None
        if position:
            await self._outbox.checkpoints.save(position)

    async def _keep_checking(self) -> None:
        while True:
            await self._losses.check(self._recent)
            raise_if_cancelled()
            await self._replay()
            await self._losses.wait()

    async def _replay(self) -> None:
        """Publish again what is requested, by a person or for what JetStream has lost."""
        checkpoint = await self._outbox.checkpoints.read()
        if checkpoint.replay_from is None:
            return
        connected = self._losses.reconnects
        replay = ["replay", *map(str, checkpoint.replay_generation.values())] if checkpoint.redeliver else []
        count = 0
        async for batch in self._outbox.rows_since(checkpoint.replay_from):
            await self._outbox.rejected.add(await self._rows.publish(batch, *replay, replayed=True))
            count += len(batch)
        if self._losses.reconnects != connected:
            return  # a server that was started again may have lost what was just published: the next round repeats it
        await self._outbox.checkpoints.finish_replay(checkpoint)
        _log.info("outbox replayed", extra={"since": checkpoint.replay_from.isoformat(), "events": count})

    async def _retry_rejected(self) -> None:
        """Publish rows again that could not be published: the reason may be gone."""
        count = 0
        async for batch in self._outbox.rejected_rows():
            still = {row["_id"] for row, _ in await self._rows.publish(batch)}
            await self._outbox.rejected.remove(row for row in batch if row["_id"] not in still)
            count += len(still)
        relay_metrics.REJECTED.set(count)

    async def _keep_deleting(self) -> None:
        """Delete old rows every hour; what a replay puts off follows as soon as it has ended."""
        while True:
            deleted = await self._delete_old_rows()
            await asyncio.sleep(_DELETE_INTERVAL if deleted else _RETRY_DELAY)

    async def _delete_old_rows(self) -> bool:
        try:
            return await self._outbox.delete_old_rows()
        except PyMongoError as error:  # publishing goes on without it
            _log.warning("old outbox rows not deleted; retrying in 1 s", extra={"reason": repr(error)})
            return False


async def _fill(queue: asyncio.Queue[Change], changes: AsyncIterator[Change]) -> None:
    """Queue changes. Raises _StalledError when the queue stays full.

    A change stream that is not read for long may lose what it has not given yet, and only opening it again shows that.
    """
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
