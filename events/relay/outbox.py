"""A service's outbox: what comes into it, what is to be published once more, and what is old enough to go."""

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

from events.relay.checkpoint import CLOCK_SKEW, CheckpointStore, Position, Row

T = TypeVar("T")
Change = tuple[Row, Position]

_log = logging.getLogger(__name__)

_KEPT = timedelta(days=7)
_BATCH = 100
_REST = 0.03  # seconds
_INSERTS = [{"$match": {"operationType": "insert"}}]
_LOST = {260, 280, 286}  # InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost


class Outbox:
    """The collection `outbox` of a service's database, whose rows are written once, and the relay's notes beside it."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._rows = database["outbox"]
        self.notes = CheckpointStore(database)

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[AsyncIterator[Change]]:
        """What is inserted from the noted position on. If there is none, from now, and `again` is what came before."""
        async with await self._watch() as stream:
            yield self._changes(stream)

    async def _watch(self) -> AsyncCollectionChangeStream[dict[str, Any]]:
        if position := (await self.notes.read()).position:
            try:
                return await self._rows.watch(_INSERTS, resume_after=position)
            except OperationFailure as error:
                await self._lose(error)
        else:
            await self.notes.lose_position()
        stream = await self._rows.watch(_INSERTS)
        if stream.resume_token:
            await self.notes.begin(stream.resume_token)
        return stream

    async def _changes(self, stream: AsyncChangeStream[dict[str, Any]]) -> AsyncIterator[Change]:
        """Rests after an answer without a change: SecantusDB gives one for every write, the relay's own too."""
        try:
            while stream.alive:
                if change := await stream.try_next():
                    yield change["fullDocument"], Position(change["_id"], change["clusterTime"].as_datetime())
                else:
                    await asyncio.sleep(_REST)
        except OperationFailure as error:
            if error.code in _LOST:
                await self._lose(error)
            raise
        await self.notes.lose_position()  # who resumes before the end of a stream only meets its end again
        raise InvalidOperation("the change stream has ended: the outbox was dropped or renamed")

    async def _lose(self, error: OperationFailure) -> None:
        _log.warning("position in the change stream is lost", extra={"reason": str(error.details)})
        await self.notes.lose_position()

    async def again(self) -> AsyncIterator[Sequence[Row]]:
        """The rows that are to be published once more, if anybody asked for that, in batches."""
        note = await self.notes.read()
        if note.again:
            younger = {"_id": {"$gte": ObjectId.from_datetime(note.again)}}
            async for batch in _batches(self._rows.find(younger, batch_size=_BATCH)):
                yield batch
            await self.notes.done(note)

    async def refused(self) -> AsyncIterator[Sequence[Row]]:
        """The rows that could not be published, in batches."""
        async for ids in _batches(self.notes.refused()):
            yield await self._rows.find({"_id": {"$in": ids}}).to_list()

    async def forget(self) -> None:
        """Delete rows that are older than a week, if they are published."""
        note = await self.notes.read()
        if note.at and not note.again:
            before = min(datetime.now(UTC) - _KEPT, note.at - CLOCK_SKEW)
            kept = [row async for row in self.notes.refused()]
            await self._rows.delete_many({"_id": {"$lt": ObjectId.from_datetime(before), "$nin": kept}})


async def _batches(items: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
