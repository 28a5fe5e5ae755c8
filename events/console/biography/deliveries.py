"""How far the deliveries of events are: the consumers' positions, parked events, dead letters."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo, RawStreamMsg
from nats.js.errors import NotFoundError

from events.broker.consumers import all_consumers
from events.broker.subjects import StreamNames
from events.console.biography.model import Delivery
from events.console.streams import Stored, StreamReader
from events.deadletters import store as deadletters
from events.dispatcher.parking import ParkedMarks

_MOST_PARKED = 2_000  # events of a Trigger that are looked at

Key = tuple[str, int]  # Trigger, sequence in the log


@dataclass(slots=True)
class Deliveries:
    """What is known of deliveries: those that are parked or dead, and each Trigger's position in the log."""

    failed: dict[Key, Delivery] = field(default_factory=dict)
    consumers: dict[str, ConsumerInfo] = field(default_factory=dict)

    def of(self, trigger: str, sequence: int, names: StreamNames) -> Delivery:
        """Return how far the delivery of an event to a Trigger is."""
        if failed := self.failed.get((trigger, sequence)):
            return failed
        consumer = self.consumers.get(names.consumer(trigger))
        if consumer is None or (consumer.delivered and sequence > consumer.delivered.stream_seq):
            return Delivery(trigger, "waiting")
        is_acknowledged = consumer.ack_floor is not None and sequence <= consumer.ack_floor.stream_seq
        return Delivery(trigger, "delivered" if is_acknowledged else "under way")


async def look(
    connection: Client, names: StreamNames, triggers: Sequence[str], part: bytes, since: datetime
) -> Deliveries:
    """Return the deliveries of events whose data holds `part`. Raises nats.errors.Error."""
    jetstream = connection.jetstream()
    found = Deliveries(consumers={one.name: one for one in await all_consumers(jetstream, names.log)})
    for trigger in triggers:
        async for message in _parked(jetstream, names, trigger):
            if part in (message.data or b""):
                _enter_parked(found, trigger, message.headers or {})
    letters = StreamReader(connection).read(
        names.dead_letters, [names.all_dead_letters()], since, lambda message: part in message.data
    )
    async for letter in letters:
        _enter_letter(found, letter)
    return found


async def _parked(jetstream: JetStreamContext, names: StreamNames, trigger: str) -> AsyncIterator[RawStreamMsg]:
    """Yield a Trigger's parked messages. Their stream admits no second consumer, so each is asked for."""
    sequence = 1
    with suppress(NotFoundError):
        for _ in range(_MOST_PARKED):
            message = await jetstream.get_msg(
                names.parked_stream(trigger), sequence, subject=names.parked(trigger), next=True
            )
            yield message
            sequence = (message.seq or sequence) + 1


def _enter_parked(found: Deliveries, trigger: str, headers: Mapping[str, str]) -> None:
    with suppress(KeyError, ValueError):
        marks = ParkedMarks.read(headers)
        found.failed[trigger, marks.sequence] = Delivery(
            trigger, "retrying", marks.failures, marks.reason, datetime.fromtimestamp(marks.until, UTC)
        )


def _enter_letter(found: Deliveries, stored: Stored) -> None:
    with suppress(KeyError, ValueError):
        letter = deadletters.read(stored.sequence, stored.time, stored.message.headers or {}, stored.message.data)
        found.failed[letter.trigger, letter.log_sequence] = Delivery(
            letter.trigger, "dead letter", letter.attempts, letter.reason, letter=letter.sequence
        )
