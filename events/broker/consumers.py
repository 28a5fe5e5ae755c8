"""A Trigger's durable consumer in JetStream: created, updated, and where it begins to read."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, ConsumerInfo, DeliverPolicy, StreamInfo
from nats.js.errors import NotFoundError

from events.broker.model import Broker, Trigger
from events.broker.streams import BOUND, UID, uid

# Delayed retries hold slots, so that thousands of events may wait for a subscriber while new ones still come.
MAX_ACK_PENDING = 20_000

# A Trigger that was created at most this long after its Broker's log counts as created together with it. It also
# bounds by how much the clocks of Kubernetes and NATS may differ.
_TOGETHER = timedelta(seconds=2)

_PAGE = 256  # consumers in a response

_Start = tuple[DeliverPolicy, datetime | None]


async def ensure_consumer(jetstream: JetStreamContext, trigger: Trigger, broker: Broker, ack_wait: float) -> None:
    """Create or update a Trigger's durable consumer; `ack_wait` in seconds. Raises nats.errors.Error."""
    stream_names = broker.stream_names
    policy, since = await _start(jetstream, stream_names.log, stream_names.consumer(trigger.name), trigger)
    config = ConsumerConfig(
        durable_name=stream_names.consumer(trigger.name),
        filter_subjects=filter_subjects(trigger, broker),
        ack_wait=ack_wait,
        max_deliver=-1,
        max_ack_pending=MAX_ACK_PENDING,
        deliver_policy=policy,
        opt_start_time=since,
        metadata={UID: trigger.uid},
    )
    await jetstream.add_consumer(stream_names.log, config)


async def all_consumers(jetstream: JetStreamContext, stream: str) -> list[ConsumerInfo]:
    """Return every consumer of a stream. Raises nats.errors.Error."""
    found: list[ConsumerInfo] = []
    while True:
        page = await jetstream.consumers_info(stream, len(found))
        found += page
        if len(page) < _PAGE:
            return found


def filter_subjects(trigger: Trigger, broker: Broker) -> list[str]:
    """Return the subjects of the log that a Trigger's consumer delivers."""
    stream_names, types = broker.stream_names, trigger.filter.types
    wanted = [stream_names.events()] if types is None else sorted(stream_names.event(one) for one in types)
    return [*wanted, stream_names.replay(trigger.name)]


async def _start(jetstream: JetStreamContext, log: str, consumer: str, trigger: Trigger) -> _Start:
    """Return where a consumer begins to read; an existing one keeps its start, since JetStream allows no other.

    A Trigger gets the events that come after its creation, even those that come before its consumer exists or while
    it was lost. A Trigger that was created together with its log gets all events in it. The consumer of an earlier
    Trigger of the same name is deleted, since its position in the log is not the new Trigger's.
    """
    with suppress(NotFoundError):
        existing = (await jetstream.consumer_info(log, consumer)).config
        if not trigger.uid or uid(existing.metadata) in {"", trigger.uid}:  # Triggers in files have none
            return existing.deliver_policy or DeliverPolicy.ALL, existing.opt_start_time
        await jetstream.delete_consumer(log, consumer)
    if _created_together(trigger, await jetstream.stream_info(log)):
        return DeliverPolicy.ALL, None
    return DeliverPolicy.BY_START_TIME if trigger.created else DeliverPolicy.NEW, trigger.created


def _created_together(trigger: Trigger, log: StreamInfo) -> bool:
    """Compare creation times; a Trigger without one counts until the log is marked by `mark_bound`."""
    if trigger.created is None:
        return BOUND not in (log.config.metadata or {})
    return trigger.created <= (log.created or datetime.min.replace(tzinfo=UTC)) + _TOGETHER


async def mark_bound(jetstream: JetStreamContext, broker: Broker) -> None:
    """Mark a Broker's log to say that its first consumers exist. Raises nats.errors.Error."""
    config = (await jetstream.stream_info(broker.stream_names.log)).config
    metadata = config.metadata or {}
    if BOUND not in metadata:
        await jetstream.update_stream(config.evolve(metadata={**metadata, BOUND: "true"}))
