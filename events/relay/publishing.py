"""Publish rows of an outbox to the Broker's log."""

import asyncio
import logging
from collections.abc import Sequence

import nats.errors

from events.broker import tracing
from events.broker.subjects import StreamNames
from events.cloudevents.errors import MalformedEventError
from events.cloudevents.event import identity
from events.cloudevents.messages import read_row
from events.relay.rejected import Rejected, Row
from events.runtime import relay_metrics
from events.runtime.publisher import MAX_EVENT, MessageRejectedError, Publisher
from events.telemetry import spans

_log = logging.getLogger(__name__)

_RETRY_DELAY = 0.5  # seconds


class RowPublisher:
    """Publishes rows, and retries until JetStream has stored them, however long it is down or full."""

    def __init__(self, publisher: Publisher, stream_names: StreamNames) -> None:
        self._publisher = publisher
        self._stream_names = stream_names
        self._failing = False

    async def publish(self, rows: Sequence[Row], *replay: str, replayed: bool = False) -> list[Rejected]:
        """Return once all rows are stored but those that can never be, which are returned with the reason.

        JetStream drops what it stored in the last two minutes, within one `replay`. Rows that are `replayed` begin
        traces of their own.
        """
        reasons = await asyncio.gather(*(self._publish(row, replay, replayed=replayed) for row in rows))
        return [(row, reason) for row, reason in zip(rows, reasons, strict=True) if reason]

    async def _publish(self, row: Row, replay: Sequence[str], *, replayed: bool) -> str | None:
        try:
            event = read_row(row["event"])
            key = {"Nats-Msg-Id": identity(event["source"], event["id"], *replay)}
            subject = self._stream_names.event(event["type"])
            with tracing.publish(self._stream_names, event, replayed=replayed):
                await self._store(subject, event.message_headers() | key | spans.outgoing(), event.data)
            relay_metrics.PUBLISHED.inc()
        except (MalformedEventError, MessageRejectedError, KeyError, AttributeError, TypeError) as error:
            _log.error(
                "outbox row cannot be published; kept and retried every minute",
                extra={"row": str(row["_id"]), "reason": repr(error)},
            )
            return repr(error)
        return None

    async def _store(self, subject: str, headers: dict[str, str], data: bytes) -> None:
        while True:
            try:
                await self._publisher.store(subject, headers, data, MAX_EVENT)
            except nats.errors.Error as error:
                self._report(failing=True, reason=str(error))
                await asyncio.sleep(_RETRY_DELAY)
            else:
                return self._report(failing=False)

    def _report(self, *, failing: bool, reason: str = "") -> None:
        """Log one line when publishing begins to fail and one when it works again, not one for each event."""
        if failing and not self._failing:
            _log.warning(
                "publish to JetStream failed; events wait in the outbox and are retried", extra={"reason": reason}
            )
        elif self._failing and not failing:
            _log.info("publish to JetStream works again")
        self._failing = failing
