"""The checkpoint of an outbox: how far the relay has published it, and what to republish.

The collection `relay` has one row:

    _id               "outbox"
    position          resume token of the change stream
    at                commit time of the newest row that came by the change stream and is published
    replayFrom        publish every row again whose id is of this time or later; absent when there is nothing to replay
    replayGeneration  how many replays have been requested
    redeliver         true if the replay is to reach Triggers even where JetStream's deduplication would drop it
    streams           {log, schedules}: when each stream was created that the rows were published to
    marks             [{at, log, schedules}], oldest first: rows committed until `at` were published when the streams'
                      last sequences were these

Rows and instructions of version 0.1.0 say `again` for `replayFrom` and `asked` for `replayGeneration`; both are read.

Marking each row of the outbox as published would cost the database more than storing it did.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from events.relay.losses import Mark

Token = Mapping[str, Any]

EPOCH = datetime.fromtimestamp(0, UTC)
CLOCK_SKEW = timedelta(minutes=5)  # how much older a row's id may be than its commit: clocks differ, transactions last

_OUTBOX = {"_id": "outbox"}
_REPLAY_FROM = ("replayFrom", "again")
_REPLAY_GENERATION = ("replayGeneration", "asked")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Position:
    """A place in the change stream, and the commit time of the row there."""

    token: Token
    at: datetime


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint as it was read; each field is None where it is absent.

    `replay_generation` tells one request for a replay from the next, since two relays may carry them out.
    """

    position: Token | None
    at: datetime | None
    replay_from: datetime | None
    replay_generation: Mapping[str, int | None]
    redeliver: bool
    streams: Mapping[str, datetime]
    marks: Sequence[Mark]


class CheckpointStore:
    """The collection `relay` of a service's database."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._relay = database["relay"]

    async def read(self) -> Checkpoint:
        """Return the checkpoint."""
        row = await self._relay.find_one(_OUTBOX) or {}
        requested = [_replay_from(name, row[name]) for name in _REPLAY_FROM if row.get(name) is not None]
        generation = {name: row.get(name) for name in _REPLAY_GENERATION}
        return Checkpoint(
            position=row.get("position"),
            at=row.get("at"),
            replay_from=min(requested, default=None),
            replay_generation=generation,
            redeliver=row.get("redeliver", False),
            streams=row.get("streams", {}),
            marks=[Mark(mark.pop("at"), mark) for mark in row.get("marks", [])],
        )

    async def save(self, position: Position) -> None:
        """Save where to go on after a restart."""
        await self._set(position=position.token, at=position.at)

    async def begin(self, token: Token) -> None:
        """Save where to go on after a restart, of a change stream from which no row has been published."""
        await self._set(position=token)

    async def lose_position(self) -> None:
        """Forget the position, and request a replay of all rows that are not known to be published."""
        at = (await self.read()).at
        request = _replay_request(at - CLOCK_SKEW if at else EPOCH)
        await self._relay.update_one(_OUTBOX, {**request, "$unset": {"position": ""}}, upsert=True)

    async def request(self, since: datetime, *, restored: bool) -> None:
        """Request a replay of rows from `since` on; forget the position if the database was `restored`."""
        change = _replay_request(since) | ({"$unset": {"position": ""}} if restored else {})
        await self._relay.update_one(_OUTBOX, change, upsert=True)

    async def request_replay(self, checkpoint: Checkpoint, since: datetime) -> bool:
        """Request a replay of rows from `since` on; return False if another was requested since the checkpoint."""
        return await self._update(checkpoint, _replay_request(since))

    async def request_replay_of_loss(
        self, checkpoint: Checkpoint, since: datetime, streams: Mapping[str, datetime], *, redeliver: bool
    ) -> bool:
        """Request a replay of what was lost, save when the streams were created, and drop the marks before the loss.

        With `redeliver`, JetStream's deduplication does not apply. Return False as `request_replay` does.
        """
        fields = {"streams": streams, "marks": [], **({"redeliver": True} if redeliver else {})}
        return await self._update(checkpoint, {**_replay_request(since), "$set": fields})

    async def _update(self, checkpoint: Checkpoint, change: Mapping[str, Any]) -> bool:
        result = await self._relay.update_one({**_OUTBOX, **checkpoint.replay_generation}, change)
        return result.matched_count == 1

    async def save_marks(self, checkpoint: Checkpoint, streams: Mapping[str, datetime], marks: Sequence[Mark]) -> None:
        """Save when the streams were created and the marks, unless a replay was requested since the checkpoint."""
        fields = {"streams": streams, "marks": [{"at": mark.at, **mark.last} for mark in marks]}
        await self._update(checkpoint, {"$set": fields})

    async def finish_replay(self, checkpoint: Checkpoint) -> None:
        """Note that the replay of a checkpoint is done, unless another was requested meanwhile."""
        done = {"$unset": dict.fromkeys((*_REPLAY_FROM, "redeliver"), "")}
        await self._relay.update_one({**_OUTBOX, **checkpoint.replay_generation}, done)

    async def _set(self, **fields: object) -> None:
        await self._relay.update_one(_OUTBOX, {"$set": fields}, upsert=True)


def _replay_request(since: datetime) -> dict[str, Any]:
    return {"$min": {"replayFrom": since}, "$inc": {"replayGeneration": 1}}


def _replay_from(name: str, value: object) -> datetime:
    """Return when the rows to replay begin; a value that is not a date counts as the beginning of time.

    Ignoring it would hide the request that a lost position makes by `$min`, which keeps the smaller type.
    """
    if isinstance(value, datetime):
        return max(value, EPOCH)
    _log.error(
        "checkpoint field is not a date; republishing the whole outbox", extra={"field": name, "value": repr(value)}
    )
    return EPOCH
