"""What the relay of an outbox notes: how far it has come, what it is to publish once more, and what it cannot.

`relay` has one note, `{_id: "outbox", position?, at?, again?, asked?}`: `at` is when the last row that came by the
change stream was committed, `again` from when on all is to be published once more, `asked` how often that was wanted.
Marking each row as published would cost the database more than storing it did.
"""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

Row = Mapping[str, Any]
Token = Mapping[str, Any]
Refused = tuple[Row, str]

EPOCH = datetime.fromtimestamp(0, UTC)
CLOCK_SKEW = timedelta(minutes=5)  # how much older a row's id may be than its commit: clocks differ, transactions last

_OUTBOX = {"_id": "outbox"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Position:
    """A place in the change stream, and when what stands there was committed."""

    token: Token
    at: datetime


@dataclass(frozen=True)
class Checkpoint:
    """What is noted. `asked` tells one wish to publish once more from the next, as two relays may carry them out."""

    position: Token | None
    at: datetime | None
    again: datetime | None
    asked: int | None


class CheckpointStore:
    """The collections `relay` and `refused` of a service's database."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._relay = database["relay"]
        self._refused = database["refused"]

    async def read(self) -> Checkpoint:
        """What is noted now."""
        noted = await self._relay.find_one(_OUTBOX) or {}
        if (again := noted.get("again")) is not None and not isinstance(again, datetime):
            # Not ignored: it would hide that a lost position wants something, too.
            _log.error("from when on to publish again is no date, so everything is", extra={"again": repr(again)})
            again = EPOCH
        return Checkpoint(noted.get("position"), noted.get("at"), again and max(again, EPOCH), noted.get("asked"))

    async def save(self, position: Position) -> None:
        """Where to go on after a restart."""
        await self._set(position=position.token, at=position.at)

    async def begin(self, token: Token) -> None:
        """Where to go on after a restart, though nothing was published from there yet."""
        await self._set(position=token)

    async def lose_position(self) -> None:
        """Have everything published once more that is not known to have been."""
        at = (await self.read()).at
        wish = {"$min": {"again": at - CLOCK_SKEW if at else EPOCH}, "$inc": {"asked": 1}}
        await self._relay.update_one(_OUTBOX, {**wish, "$unset": {"position": ""}}, upsert=True)

    async def done(self, note: Checkpoint) -> None:
        """What the note wanted once more is published, unless somebody asked anew meanwhile."""
        await self._relay.update_one({**_OUTBOX, "asked": note.asked}, {"$unset": {"again": ""}})

    async def refused(self) -> AsyncIterator[Any]:
        """The ids of the rows that cannot be published."""
        async for noted in self._refused.find():
            yield noted["_id"]

    async def refuse(self, refused: Iterable[Refused]) -> None:
        """Checkpoint rows that cannot be published as they are, and why."""
        for row, reason in refused:
            await self._refused.replace_one({"_id": row["_id"]}, {"reason": reason}, upsert=True)

    async def accept(self, rows: Iterable[Row]) -> None:
        """Checkpoint that rows could be published after all."""
        await self._refused.delete_many({"_id": {"$in": [row["_id"] for row in rows]}})

    async def _set(self, **what: object) -> None:
        await self._relay.update_one(_OUTBOX, {"$set": what}, upsert=True)
