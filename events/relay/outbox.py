"""A service's outbox: what is to be published, what was, and how far the relay has come."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.change_stream import AsyncChangeStream, AsyncCollectionChangeStream
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

Row = Mapping[str, Any]
Position = Mapping[str, Any]
Change = tuple[Row, Position]

_log = logging.getLogger(__name__)

_KEPT = timedelta(days=7)
_BATCH = 100
_POSITION = "outbox"
_REST = 0.03  # seconds
_INSERTS = [{"$match": {"operationType": "insert"}}]


class Outbox:
    """The collections `outbox` and `relay` of a service's database."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._rows = database["outbox"]
        self._relay = database["relay"]

    async def prepare(self) -> None:
        """Create the index that forgets published rows after a week and finds unpublished ones."""
        await self._rows.create_index("publishedAt", expireAfterSeconds=int(_KEPT.total_seconds()))

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[AsyncIterator[Change]]:
        """What is inserted from the saved position on, or from now if there is none or the database lost it."""
        async with await self._watch() as stream:
            yield _changes(stream)

    async def _watch(self) -> AsyncCollectionChangeStream[dict[str, Any]]:
        saved = await self._relay.find_one({"_id": _POSITION})
        try:
            return await self._rows.watch(_INSERTS, resume_after=saved and saved["position"])
        except OperationFailure as error:
            if saved is None:
                raise
            _log.warning("position in the change stream is lost", extra={"reason": str(error.details)})
            await self._relay.delete_one({"_id": _POSITION})
            return await self._rows.watch(_INSERTS)

    async def unpublished(self, older_than: timedelta | None = None) -> AsyncIterator[list[Row]]:
        """The rows that wait to be published, all or those of some age, in batches."""
        query: dict[str, Any] = {"publishedAt": None}
        if older_than is not None:
            query["_id"] = {"$lt": ObjectId.from_datetime(datetime.now(UTC) - older_than)}
        batch: list[Row] = []
        async for row in self._rows.find(query, batch_size=_BATCH):
            batch.append(row)
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    async def mark_published(self, rows: Sequence[Row]) -> None:
        """Note that JetStream has the rows' events."""
        ids = [row["_id"] for row in rows]
        await self._rows.update_many({"_id": {"$in": ids}}, {"$set": {"publishedAt": datetime.now(UTC)}})

    async def save(self, position: Position) -> None:
        """Where to go on after a restart."""
        await self._relay.update_one({"_id": _POSITION}, {"$set": {"position": position}}, upsert=True)


async def _changes(stream: AsyncChangeStream[dict[str, Any]]) -> AsyncIterator[Change]:
    """Rests after an answer without a change: SecantusDB gives one for every write to any database, relays' own too."""
    while stream.alive:
        if change := await stream.try_next():
            yield change["fullDocument"], change["_id"]
        else:
            await asyncio.sleep(_REST)
