"""Read the state of a Broker's streams, as far as a relay has to know it."""

import logging

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from events.broker.subjects import StreamNames
from events.relay.losses import LOG, SCHEDULES, StreamState, StreamStates

_log = logging.getLogger(__name__)

_MILLISECOND = 1000  # microseconds; MongoDB stores no more of a date


class Streams:
    """The log and the schedules of one Broker."""

    def __init__(self, jetstream: JetStreamContext, stream_names: StreamNames) -> None:
        self._jetstream = jetstream
        self._names = {LOG: stream_names.log, SCHEDULES: stream_names.schedules}
        self._failing = False

    async def states(self) -> StreamStates | None:
        """Return the streams that exist; None while JetStream does not answer."""
        try:
            found = {kind: await self._state(name) for kind, name in self._names.items()}
        except nats.errors.Error as error:
            if not self._failing:
                _log.warning(
                    "reading the streams failed; lost events go unnoticed; retrying", extra={"reason": repr(error)}
                )
            self._failing = True
            return None
        self._failing = False
        return {kind: state for kind, state in found.items() if state}

    async def _state(self, name: str) -> StreamState | None:
        try:
            info = await self._jetstream.stream_info(name)
        except NotFoundError:
            return None
        if info.created is None:
            return None
        whole = info.created.microsecond // _MILLISECOND * _MILLISECOND
        return StreamState(info.created.replace(microsecond=whole), info.state.last_seq)
