"""A service's outbox, and what its relay notes: how far it has come, and what it could not publish.

Rows of `outbox` are written once. To mark each as published costs the database more than storing it did, so there is
one note of the position in the change stream instead, in `relay`:
`{_id: "outbox", position, at: <commit of the last row published>, again?: <publish once more what is younger>}`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.change_stream import AsyncChangeStream, AsyncCollectionChangeStream
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import InvalidOperation, OperationFailure

Row = Mapping[str, Any]
Refused = tuple[Row, str]

_log = logging.getLogger(__name__)

_KEPT = timedelta(days=7)
_ASTRAY = timedelta(minutes=5)  # how much older a row's id may be than its commit: clocks differ, transactions last
_EVER = datetime.fromtimestamp(0, UTC)
_BATCH = 100
_NOTE = {"_id": "outbox"}
_REST = 0.03  # seconds
_INSERTS = [{"$match": {"operationType": "insert"}}]


@dataclass(frozen=True)
class Position:
    """A place in the change stream, and when what stands there was committed."""

    token: Mapping[str, Any]
    at: datetime


Change = tuple[Row, Position]


class Outbox:
    """The collections `outbox`, `relay` and `refused` of a service's database."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._rows = database["outbox"]
        self._notes = database["relay"]
        self._refused = database["refused"]

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[AsyncIterator[Change]]:
        """What is inserted from the saved position on. If there is none, from now, and `again` is what came before."""
        async with await self._watch() as stream:
            yield self._changes(stream)

    async def _watch(self) -> AsyncCollectionChangeStream[dict[str, Any]]:
        note = await self._note()
        if "position" in note:
            try:
                return await self._rows.watch(_INSERTS, resume_after=note["position"])
            except OperationFailure as error:
                _log.warning("position in the change stream is lost", extra={"reason": str(error.details)})
        await self._lose_position()
        return await self._rows.watch(_INSERTS)

    async def _changes(self, stream: AsyncChangeStream[dict[str, Any]]) -> AsyncIterator[Change]:
        """Rests after an answer without a change: SecantusDB gives one for every write, the relay's own too."""
        while stream.alive:
            if change := await stream.try_next():
                yield change["fullDocument"], Position(change["_id"], change["clusterTime"].as_datetime())
            else:
                await asyncio.sleep(_REST)
        await self._lose_position()  # whoever resumes before the end of a stream only meets its end again
        raise InvalidOperation("the change stream has ended: the outbox was dropped or renamed")

    async def _lose_position(self) -> None:
        note = await self._note()
        again = note["at"] - _ASTRAY if "at" in note else _EVER
        await self._notes.update_one(_NOTE, {"$min": {"again": again}, "$unset": {"position": ""}}, upsert=True)

    async def save(self, position: Position) -> None:
        """Where to go on after a restart."""
        note = {"position": position.token, "at": position.at}
        await self._notes.update_one(_NOTE, {"$set": note}, upsert=True)

    async def again(self) -> AsyncIterator[list[Row]]:
        """The rows that are to be published once more, if anybody asked for that, in batches."""
        if since := (await self._note()).get("again"):
            async for batch in _batches(self._rows.find({"_id": {"$gte": ObjectId.from_datetime(since)}})):
                yield batch
            await self._notes.update_one({**_NOTE, "again": since}, {"$unset": {"again": ""}})

    async def refused(self) -> AsyncIterator[list[Row]]:
        """The rows that could not be published, in batches."""
        async for batch in _batches(self._rows.find({"_id": {"$in": await self._ids_refused()}})):
            yield batch

    async def refuse(self, refused: Iterable[Refused]) -> None:
        """Note rows that cannot be published as they are, and why."""
        for row, reason in refused:
            await self._refused.replace_one({"_id": row["_id"]}, {"reason": reason}, upsert=True)

    async def accept(self, rows: Iterable[Row]) -> None:
        """Note that rows could be published after all."""
        await self._refused.delete_many({"_id": {"$in": [row["_id"] for row in rows]}})

    async def forget(self) -> None:
        """Delete rows that are older than a week, if they are published."""
        note = await self._note()
        if "at" in note and "again" not in note:
            before = min(datetime.now(UTC) - _KEPT, note["at"] - _ASTRAY)
            old = {"$lt": ObjectId.from_datetime(before), "$nin": await self._ids_refused()}
            await self._rows.delete_many({"_id": old})

    async def _ids_refused(self) -> list[Any]:
        return [note["_id"] async for note in self._refused.find()]

    async def _note(self) -> Row:
        return await self._notes.find_one(_NOTE) or {}


async def _batches(rows: AsyncCursor[dict[str, Any]]) -> AsyncIterator[list[Row]]:
    batch: list[Row] = []
    async for row in rows.batch_size(_BATCH):
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
