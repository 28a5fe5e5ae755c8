"""A service's outbox: the rows that come into it, the rows to publish again, and the rows old enough to delete."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bson import ObjectId
from pymongo.asynchronous.change_stream import AsyncChangeStream, AsyncCollectionChangeStream
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import InvalidOperation, OperationFailure

from events.relay.checkpoint import CLOCK_SKEW, CheckpointStore, Position
from events.relay.rejected import RejectedRows, Row

T = TypeVar("T")
Change = tuple[Row, Position]

_log = logging.getLogger(__name__)

_RETENTION = timedelta(days=7)
_BATCH = 100  # rows
_POLL_INTERVAL = 0.03  # seconds
_INSERTS = [{"$match": {"operationType": "insert"}}]
_LOST = {260, 280, 286}  # InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost


class Outbox:
    """The collection `outbox` of a service's database, whose rows are written once: `{_id: ObjectId, event: {…}}`.

    `checkpoints` has how far its relays have come, `rejected` the rows that they cannot publish.
    """

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._rows = database["outbox"]
        self.checkpoints = CheckpointStore(database)
        self.rejected = RejectedRows(database)

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[AsyncIterator[Change]]:
        """Open the change stream and give what is inserted after the saved position.

        Without a saved position it begins now, and a replay of what came before is requested.
        """
        async with await self._watch() as stream:
            yield self._changes(stream)

    async def _watch(self) -> AsyncCollectionChangeStream[dict[str, Any]]:
        if position := (await self.checkpoints.read()).position:
            try:
                return await self._rows.watch(_INSERTS, resume_after=position)
            except OperationFailure as error:
                await self._lose_position(error)
        else:
            await self.checkpoints.lose_position()
        stream = await self._rows.watch(_INSERTS)
        if stream.resume_token:
            await self.checkpoints.begin(stream.resume_token)
        return stream

    async def _changes(self, stream: AsyncChangeStream[dict[str, Any]]) -> AsyncIterator[Change]:
        """Yield changes. It sleeps after an empty reply: SecantusDB sends one for every write, the relay's own too."""
        try:
            while stream.alive:
                if change := await stream.try_next():
                    yield change["fullDocument"], Position(change["_id"], change["clusterTime"].as_datetime())
                else:
                    await asyncio.sleep(_POLL_INTERVAL)
        except OperationFailure as error:
            if error.code in _LOST:
                await self._lose_position(error)
            raise
        await self.checkpoints.lose_position()  # resuming from before the end of a stream only meets the end again
        raise InvalidOperation("the change stream ended: the outbox was dropped or renamed")

    async def _lose_position(self, error: OperationFailure) -> None:
        _log.warning(
            "change stream cannot resume; republishing all rows that may be unpublished",
            extra={"reason": str(error.details)},
        )
        await self.checkpoints.lose_position()

    async def rows_since(self, time: datetime) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows whose ids are of a time or later, in batches."""
        async for batch in _batches(
            self._rows.find({"_id": {"$gte": ObjectId.from_datetime(time)}}, batch_size=_BATCH)
        ):
            yield batch

    async def rejected_rows(self) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows that could not be published, in batches."""
        async for ids in _batches(self.rejected.ids()):
            yield await self._rows.find({"_id": {"$in": ids}}).to_list()

    async def delete_old_rows(self) -> bool:
        """Delete rows that are older than a week and published; return False, and delete none, during a replay."""
        checkpoint = await self.checkpoints.read()
        if checkpoint.replay_from:
            return False
        if checkpoint.at:
            before = min(datetime.now(UTC) - _RETENTION, checkpoint.at - CLOCK_SKEW)
            kept = [row async for row in self.rejected.ids()]
            await self._rows.delete_many({"_id": {"$lt": ObjectId.from_datetime(before), "$nin": kept}})
        return True


async def _batches(items: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
