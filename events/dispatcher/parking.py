"""Parks events that wait for a retry, so that the Broker's log need not keep them and all that came later.

A parked message has the event's own headers, and these: `Parked-Subject` and `Parked-Sequence`, where it was in the log
and when it was stored there (`Parked-Stored`, Unix time), `Parked-Delivered` and `Parked-Failures`, how often it was
delivered from there and how often that failed, `Parked-Until`, the Unix time of the next attempt, and `Parked-Reason`
(percent-encoded), why the last one failed. The stream keeps them as they were when the event was parked.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

import nats.errors
from nats.aio.msg import Msg

from events.broker.model import Route
from events.broker.nats_binding import MessageInfo
from events.broker.parking import ensure_parking, find_parking
from events.cloudevents.attributes import encode_value
from events.runtime.connection import Connection
from events.runtime.publisher import MessageRejectedError, Publisher

_log = logging.getLogger(__name__)

_MARK = "Parked-"
_CONTROL = ("nats-", _MARK.lower())  # headers that tell JetStream, or us, what to do with a message
_MAX_WAIT = 2.0  # seconds that an event may wait in the log for its delivery
_MAX_REASON = 1024  # bytes, percent-encoded


@dataclass(frozen=True, slots=True)
class ParkedMarks:
    """What a parked message's own headers say, as they were when it was parked."""

    sequence: int
    stored: float
    delivered: int
    failures: int
    until: float
    reason: str

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> "ParkedMarks":
        """Return the marks in a message's headers. Raises KeyError or ValueError where there are none."""
        return cls(
            sequence=int(headers[f"{_MARK}Sequence"]),
            stored=float(headers[f"{_MARK}Stored"]),
            delivered=int(headers[f"{_MARK}Delivered"]),
            failures=int(headers[f"{_MARK}Failures"]),
            until=float(headers[f"{_MARK}Until"]),
            reason=unquote(headers.get(f"{_MARK}Reason", "")),  # events that an earlier version parked have none
        )


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked event: its message and info as they were in the log, failed attempts, and the time of the next."""

    message: Msg
    info: MessageInfo
    failures: int
    until: float


class Parking:
    """The parked events of one Trigger; `events` and `bytes` as far as this process knows.

    `opened` is awaited when the stream exists, which is created with the first event.
    """

    def __init__(
        self, connection: Connection, route: Route, ack_wait: float, opened: Callable[[], Awaitable[None]]
    ) -> None:
        self._jetstream = connection.jetstream()
        self._publisher = Publisher(connection)
        self._route = route
        self._ack_wait = ack_wait
        self._opened = opened
        self._opening = asyncio.Lock()
        self._is_open = False
        self.events = 0
        self.bytes = 0

    async def refresh(self) -> None:
        """Ask JetStream what is parked. Raises nats.errors.Error."""
        info = await find_parking(self._jetstream, self._route)
        self.events, self.bytes = (info.state.messages, info.state.bytes) if info else (0, 0)
        if info is None:
            self._is_open = False
        else:
            await self._open()

    async def park_for(self, delay: float, message: Msg, info: MessageInfo, failures: int, reason: str) -> bool:
        """Park an event that waits `delay` seconds, unless the wait is short; return False if it stays in the log."""
        until = time.time() + delay
        return until > info.timestamp + _MAX_WAIT and await self.park(message, info, failures, until, reason)

    async def park(self, message: Msg, info: MessageInfo, failures: int, until: float, reason: str) -> bool:
        """Store an event until its next attempt; return False if it cannot be parked, and so stays in the log."""
        size, most = len(message.data), self._route.broker.max_parked_bytes
        if self.bytes + size > most:
            self._report(f"{self.bytes} of {most} bytes (max-parked-bytes) are in use")
            return False
        self.bytes += size
        try:
            await self._open()
            await self._publisher.store(self._subject, _headers(message, info, failures, until, reason), message.data)
        except (nats.errors.Error, MessageRejectedError) as error:
            self.bytes -= size
            self._is_open = False  # until the stream is seen again
            self._report(str(error))
            return False
        self.events += 1
        return True

    def settle(self, parked: Parked) -> None:
        """Count a parked event that is delivered, or stored elsewhere, no longer."""
        self.events = max(0, self.events - 1)
        self.bytes = max(0, self.bytes - len(parked.message.data))

    async def oldest(self) -> float | None:
        """Return the Unix time at which the oldest parked event was stored in the log. Raises nats.errors.Error."""
        if not self.events:
            return None
        stream = self._route.broker.stream_names.parked_stream(self._route.trigger.name)
        first = await self._jetstream.get_msg(stream, 1, subject=self._subject, next=True)
        stored = (first.headers or {}).get(f"{_MARK}Stored")
        return float(stored) if stored else None

    @property
    def _subject(self) -> str:
        return self._route.broker.stream_names.parked(self._route.trigger.name)

    async def _open(self) -> None:
        async with self._opening:
            if not self._is_open:
                await ensure_parking(self._jetstream, self._route, self._ack_wait)
                await self._opened()
                self._is_open = True

    def _report(self, reason: str) -> None:
        fields = {"trigger": self._route.trigger.name, "reason": reason}
        _log.warning("event cannot be parked; it stays in the log until its retry", extra=fields)


def _headers(message: Msg, info: MessageInfo, failures: int, until: float, reason: str) -> dict[str, str]:
    kept = {name: value for name, value in (message.headers or {}).items() if not name.lower().startswith(_CONTROL)}
    return kept | {
        f"{_MARK}Subject": message.subject,
        f"{_MARK}Sequence": str(info.sequence),
        f"{_MARK}Stored": repr(info.timestamp),
        f"{_MARK}Delivered": str(info.delivered),
        f"{_MARK}Failures": str(failures),
        f"{_MARK}Until": repr(until),
        f"{_MARK}Reason": encode_value(reason)[:_MAX_REASON],
    }


def read_parked(message: Msg) -> Parked:
    """Return the parked event of a message. Raises KeyError or ValueError for a message that `park` did not store."""
    headers = message.headers or {}
    marks = ParkedMarks.read(headers)
    kept = {name: value for name, value in headers.items() if not name.startswith(_MARK)}
    # The first delivery from here only finds out until when to wait.
    delivered = marks.delivered + max(1, MessageInfo.of(message).delivered - 1)
    original = replace(message, subject=headers[f"{_MARK}Subject"], headers=kept)
    return Parked(original, MessageInfo(marks.sequence, delivered, marks.stored), marks.failures, marks.until)
