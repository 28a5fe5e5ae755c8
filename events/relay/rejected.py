"""The rows of an outbox that cannot be published: the collection `refused`, with rows `{_id, reason}`."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

Row = Mapping[str, Any]
Rejected = tuple[Row, str]  # a row of the outbox that cannot be published, and why


class RejectedRows:
    """The rejected rows of one service's outbox."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._rows = database["refused"]

    async def ids(self) -> AsyncIterator[Any]:
        """Yield the ids of the rows that cannot be published."""
        async for row in self._rows.find():
            yield row["_id"]

    async def add(self, rejected: Iterable[Rejected]) -> None:
        """Save which rows cannot be published as they are, and why."""
        for row, reason in rejected:
            await self._rows.replace_one({"_id": row["_id"]}, {"reason": reason}, upsert=True)

    async def remove(self, rows: Iterable[Row]) -> None:
        """Save that rows could be published after all."""
        await self._rows.delete_many({"_id": {"$in": [row["_id"] for row in rows]}})
