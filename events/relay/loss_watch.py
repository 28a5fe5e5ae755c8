"""Notice that JetStream lost messages, and have the outbox publish them again."""

import logging
from collections.abc import Sequence
from datetime import datetime

from events.relay.checkpoint import CLOCK_SKEW, EPOCH, Checkpoint, CheckpointStore
from events.relay.losses import SCHEDULES, Loss, Mark, StreamStates, append, find_losses
from events.relay.recent import RecentRows
from events.relay.streams import Streams
from events.runtime.connection import Connection

_log = logging.getLogger(__name__)

_INTERVAL = 2.0  # seconds


class LossWatch:
    """Compares the log and the schedules with the checkpoint, and requests a replay of what they lost.

    A lost log has lost the events; lost schedules have lost replies, which come again when the events that they
    answered are delivered again.
    """

    def __init__(self, checkpoints: CheckpointStore, streams: Streams, connection: Connection) -> None:
        self._checkpoints = checkpoints
        self._streams = streams
        self._connection = connection
        self._reconnects: int | None = None

    @property
    def reconnects(self) -> int:
        """How often the connection was re-established."""
        return self._connection.stats["reconnects"]

    async def wait(self) -> None:
        """Wait until it is time to look again: at once after a reconnect, before the bridge goes on."""
        await self._connection.await_reconnect(_INTERVAL)

    async def check(self, recent: RecentRows) -> None:
        """Look once. `recent` are the rows that this process has published lately."""
        if not self._connection.is_connected:
            return
        reconnects = self.reconnects
        states = await self._streams.states()
        if not states:
            return
        checkpoint = await self._checkpoints.read()
        if losses := list(find_losses(checkpoint.streams, checkpoint.marks, states)):
            if await self._replay(losses, checkpoint, states):
                self._reconnects = reconnects
        elif reconnects != self._reconnects and checkpoint.at and not checkpoint.replay_from:
            if await self._checkpoints.request_replay(checkpoint, recent.since(checkpoint.at)):
                self._reconnects = reconnects
        elif not checkpoint.replay_from:
            await self._mark(checkpoint, states, recent.until or checkpoint.at)

    async def _replay(self, losses: Sequence[Loss], checkpoint: Checkpoint, states: StreamStates) -> bool:
        """Request a replay, which covers the overlap after a reconnect; return False if another relay did."""
        since = min(loss.mark.at - CLOCK_SKEW if loss.mark else EPOCH for loss in losses)
        redeliver = any(loss.stream == SCHEDULES for loss in losses)
        streams = _created(checkpoint, states)
        if not await self._checkpoints.request_replay_of_loss(checkpoint, since, streams, redeliver=redeliver):
            return False
        for loss in losses:
            _log.error(
                "JetStream stream lost messages; republishing the outbox",
                extra={"stream": loss.stream, "reason": loss.reason, "since": since.isoformat()},
            )
        return True

    async def _mark(self, checkpoint: Checkpoint, states: StreamStates, at: datetime | None) -> None:
        """Save how far the streams have come, where that has changed."""
        streams, marks = _created(checkpoint, states), list(checkpoint.marks)
        last = {stream: state.last for stream, state in states.items()}
        if at and (not marks or marks[-1] != Mark(at, last)):
            marks = append(marks, Mark(at, last))
        if streams != checkpoint.streams or marks != checkpoint.marks:
            await self._checkpoints.save_marks(checkpoint, streams, marks)


def _created(checkpoint: Checkpoint, states: StreamStates) -> dict[str, datetime]:
    return {**checkpoint.streams, **{stream: state.created for stream, state in states.items()}}
