"""Dead letters: events that a Trigger could not deliver, kept with the reason until a person replays or purges them.

A dead letter is a message of the Broker's stream for them: the event in binary mode, with the headers
`Dead-Letter-Trigger`, `Dead-Letter-Reason` (percent-encoded), `Dead-Letter-Sequence` (the event's in the log) and
`Dead-Letter-Attempts`.
"""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from events.broker.nats_binding import MessageInfo
from events.broker.subjects import StreamNames
from events.cloudevents.attributes import encode_value
from events.cloudevents.event import Event
from events.runtime.publisher import Publisher

_MARK = "Dead-Letter-"
_ERROR_ATTRIBUTES = ("ce-knativeerrordest", "ce-knativeerrorcode", "ce-knativeerrordata")
_MAX_DESTINATION = 1024  # characters, 12 KiB percent-encoded, which JetStream's 64 KiB have room for
_MAX_ERROR = 768  # bytes of a response, 1,024 in base64, as much as Knative's own Broker keeps
_MAX_REASON = 1024  # bytes, percent-encoded

# A message that is not a CloudEvent may have any headers; these fit into JetStream's 64 KiB.
_MAX_NAME = 128
_MAX_VALUE = 1024  # bytes, percent-encoded
_MAX_HEADERS = 32


_NO_MESSAGE = 10037  # JetStream's error for a message that is missing in a stream that exists


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a Trigger could not deliver; `headers` and `data` are the event's.

    `sequence` identifies it among its Broker's dead letters, `log_sequence` is the event's in the log, `time` is when
    the Trigger stopped trying, after `attempts` deliveries.
    """

    sequence: int
    trigger: str
    reason: str
    time: datetime
    attempts: int
    log_sequence: int
    headers: Mapping[str, str]
    data: bytes


class UnboundTriggerError(Exception):
    """The Broker has no Trigger of the name that an event would be replayed to."""


def with_error(event: Event, destination: str, code: int | None, body: bytes) -> Event:
    """Return the event with Knative's attributes that say why it is a dead letter; `knativeerrordata` is base64."""
    attributes = {"knativeerrordest": destination[:_MAX_DESTINATION]}
    if code is not None:
        attributes["knativeerrorcode"] = str(code)
    if body:
        attributes["knativeerrordata"] = b64encode(body[:_MAX_ERROR]).decode()
    return event.with_attributes(attributes)


class DeadLetters:
    """The dead letters of one Broker."""

    def __init__(self, publisher: Publisher, jetstream: JetStreamContext, stream_names: StreamNames) -> None:
        self._publisher = publisher
        self._jetstream = jetstream
        self._names = stream_names

    async def add(self, trigger: str, event: Event, reason: str, info: MessageInfo) -> None:
        """Store an event. Raises nats.errors.Error."""
        headers = event.message_headers() | _marks(trigger, reason, info)
        await self._publisher.store(self._names.dead_letter(trigger), headers, event.data)

    async def add_malformed(
        self, trigger: str, headers: Mapping[str, str], data: bytes, reason: str, info: MessageInfo
    ) -> None:
        """Store a message that is not a CloudEvent, with its harmless headers, shortened. Raises nats.errors.Error."""
        kept = [(name, value) for name, value in headers.items() if _is_harmless(name)][:_MAX_HEADERS]
        shortened = {name: encode_value(value)[:_MAX_VALUE] for name, value in kept}
        await self._publisher.store(self._names.dead_letter(trigger), shortened | _marks(trigger, reason, info), data)

    async def list(self, trigger: str | None = None) -> AsyncIterator[DeadLetter]:
        """Yield all dead letters, or those of a Trigger, oldest first.

        Raises nats.js.errors.NotFoundError if the Broker has no stream for them.
        """
        subject = self._names.all_dead_letters() if trigger is None else self._names.dead_letter(trigger)
        sequence = 1
        while True:
            try:
                message = await self._jetstream.get_msg(self._names.dead_letters, sequence, subject=subject, next=True)
            except NotFoundError as error:
                if error.err_code == _NO_MESSAGE:
                    return
                raise
            yield _read(message)
            sequence = (message.seq or sequence) + 1

    async def show(self, sequence: int) -> DeadLetter:
        """Return one dead letter. Raises nats.js.errors.NotFoundError."""
        return _read(await self._jetstream.get_msg(self._names.dead_letters, sequence))

    async def replay(self, sequence: int) -> DeadLetter:
        """Deliver an event again to the Trigger that failed, and to no other; return the dead letter that it was.

        The log stores it before the dead letter is removed, so that a crash in between replays it twice and loses
        nothing. Raises UnboundTriggerError, events.runtime.publisher.MessageRejectedError and nats.errors.Error, all
        before the removal.
        """
        letter = await self.show(sequence)
        if not await self.is_bound(letter.trigger):
            raise UnboundTriggerError(f"the Broker has no Trigger {letter.trigger} any more")
        headers = {name: value for name, value in letter.headers.items() if name not in _ERROR_ATTRIBUTES}
        await self._publisher.store(self._names.replay(letter.trigger), headers, letter.data)
        await self.remove(sequence)
        return letter

    async def remove(self, sequence: int) -> None:
        """Delete a dead letter; succeed if it is already gone. Raises nats.errors.Error."""
        try:
            await self._jetstream.delete_msg(self._names.dead_letters, sequence)
        except APIError:  # the same one whether it is missing or the deletion failed
            with suppress(NotFoundError):
                await self.show(sequence)
                raise

    async def is_bound(self, trigger: str) -> bool:
        """Return whether the Broker has a Trigger of that name. Raises nats.errors.Error."""
        try:
            await self._jetstream.consumer_info(self._names.log, self._names.consumer(trigger))
        except NotFoundError:
            return False
        return True


def _marks(trigger: str, reason: str, info: MessageInfo) -> dict[str, str]:
    return {
        f"{_MARK}Trigger": trigger,
        f"{_MARK}Reason": encode_value(reason)[:_MAX_REASON],
        f"{_MARK}Sequence": str(info.sequence),
        f"{_MARK}Attempts": str(info.delivered),
    }


def _is_harmless(name: str) -> bool:
    """Return whether a header is short and tells JetStream nothing about the message."""
    return len(name) <= _MAX_NAME and not name.lower().startswith(("nats-", _MARK.lower()))


def _read(message: RawStreamMsg) -> DeadLetter:
    return read(message.seq or 0, message.time or datetime.now(UTC), message.headers or {}, message.data or b"")


def read(sequence: int, time: datetime, headers: Mapping[str, str], data: bytes) -> DeadLetter:
    """Return the dead letter that a message of the stream is. Raises KeyError or ValueError for another message."""
    return DeadLetter(
        sequence=sequence,
        trigger=headers[f"{_MARK}Trigger"],
        reason=unquote(headers[f"{_MARK}Reason"]),
        time=time,
        attempts=int(headers[f"{_MARK}Attempts"]),
        log_sequence=int(headers[f"{_MARK}Sequence"]),
        headers={name: value for name, value in headers.items() if not name.startswith(_MARK)},
        data=data,
    )
