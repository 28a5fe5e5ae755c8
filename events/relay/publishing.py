"""Rows of an outbox into the Broker's log."""

import asyncio
import logging
from collections.abc import Sequence

import nats.errors

from events.broker.subjects import StreamNames
from events.cloudevents.event import MalformedEventError, from_row, identity
from events.relay.checkpoint import Refused, Row
from events.runtime.publisher import LARGEST_EVENT, Publisher, RefusedError

_log = logging.getLogger(__name__)

_RETRY_DELAY = 0.5  # seconds


class RowPublisher:
    """Publishes rows until JetStream has them, however long it is away or full."""

    def __init__(self, publisher: Publisher, stream_names: StreamNames) -> None:
        self._publisher = publisher
        self._layout = stream_names
        self._stalled = False

    async def publish(self, rows: Sequence[Row]) -> list[Refused]:
        """Return once all are stored but those, with reasons, whose events can never be."""
        reasons = await asyncio.gather(*(self._publish(row) for row in rows))
        return [(row, reason) for row, reason in zip(rows, reasons, strict=True) if reason]

    async def _publish(self, row: Row) -> str | None:
        try:
            event = from_row(row["event"])
            key = {"Nats-Msg-Id": identity(event["source"], event["id"])}
            await self._store(self._layout.event(event["type"]), event.message_headers() | key, event.data)
        except (MalformedEventError, RefusedError, KeyError, AttributeError, TypeError) as error:
            _log.error("event cannot be published", extra={"row": str(row["_id"]), "reason": repr(error)})
            return repr(error)
        return None

    async def _store(self, subject: str, headers: dict[str, str], data: bytes) -> None:
        while True:
            try:
                await self._publisher.store(subject, headers, data, LARGEST_EVENT)
            except nats.errors.Error as error:
                self._note(stalled=True, reason=str(error))
                await asyncio.sleep(_RETRY_DELAY)
            else:
                return self._note(stalled=False)

    def _note(self, *, stalled: bool, reason: str = "") -> None:
        """One line when publishing begins to fail and one when it works again, not one an event."""
        if stalled and not self._stalled:
            _log.warning("JetStream takes no events, trying on", extra={"reason": reason})
        elif self._stalled and not stalled:
            _log.info("JetStream takes events again")
        self._stalled = stalled
