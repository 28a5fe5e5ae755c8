"""A Broker's streams and its Triggers' consumers in JetStream: made, brought up to date, removed."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from nats.js import JetStreamContext
from nats.js.api import (
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    StorageType,
    StreamConfig,
    StreamInfo,
    StreamSource,
    SubjectTransform,
)
from nats.js.errors import APIError, NotFoundError

from events.broker.model import Broker, Cleanup, Trigger
from events.runtime.publisher import LARGEST_EVENT

LOG_AGE = 7 * 86_400.0  # seconds
_DUPLICATE_WINDOW = 120.0  # seconds

_ORIGIN = 8 << 10  # bytes, more than JetStream says in headers of where an event was sourced from

# Delayed retries hold slots, so that thousands of events may wait for a subscriber while new ones still come.
_MAX_ACK_PENDING = 20_000

# Triggers that were made this long after their Broker's log were made together with it. It also bounds by how much
# the clocks of Kubernetes and NATS may differ.
_TOGETHER = timedelta(seconds=2)

_NOBODYS = "nobodys"  # a stream that there is not: every Broker's has an underscore in its name
_NAME_IN_USE = 10058
_BOUND = "ticketing.dev.bound"
_UID = "ticketing.dev.uid"

_Start = tuple[DeliverPolicy, datetime | None]


async def ensure_streams(jetstream: JetStreamContext, broker: Broker) -> None:
    """Create or update the streams of a Broker. Raises nats.errors.Error."""
    stream_names = broker.stream_names
    await _ensure(jetstream, broker, _schedules(broker))
    await _ensure(jetstream, broker, _log(broker))
    dead_letters = StreamConfig(
        name=stream_names.dead_letters,
        subjects=[stream_names.all_dead_letters()],
        max_bytes=broker.max_bytes // 4,
        discard=DiscardPolicy.NEW,
    )
    await _ensure(jetstream, broker, dead_letters)


def _log(broker: Broker) -> StreamConfig:
    """A log that is full refuses events, rather than to forget some that nobody had yet.

    Its largest message is larger than an event, for one that it did not take from the schedules would be in the way of
    all that come due later; and it leaves room for what a dead letter says besides.
    """
    stream_names = broker.stream_names
    due = SubjectTransform(src=stream_names.all_due(), dest=stream_names.events())
    return StreamConfig(
        name=stream_names.log,
        subjects=[stream_names.events(), stream_names.replays()],
        max_age=LOG_AGE,
        max_bytes=broker.max_bytes,
        max_msg_size=LARGEST_EVENT + _ORIGIN,
        discard=DiscardPolicy.NEW,
        duplicate_window=_DUPLICATE_WINDOW,
        sources=[StreamSource(name=stream_names.schedules, subject_transforms=[due])],
    )


def _schedules(broker: Broker) -> StreamConfig:
    """Without a limit: what forgets a scheduled event forgets it before it was ever due.

    Events that came due have a time to live of their own, long enough for the log to take them over.
    """
    stream_names = broker.stream_names
    return StreamConfig(
        name=stream_names.schedules,
        subjects=[stream_names.scheduled(), stream_names.all_due()],
        allow_msg_schedules=True,
        allow_msg_ttl=True,
        max_msg_size=LARGEST_EVENT,
        duplicate_window=_DUPLICATE_WINDOW,
    )


async def _ensure(jetstream: JetStreamContext, broker: Broker, config: StreamConfig) -> None:
    config = config.evolve(
        storage=StorageType.FILE,
        num_replicas=broker.replicas,
        metadata=await _bound(jetstream, str(config.name)) | {_UID: broker.uid},
    )
    try:
        await jetstream.add_stream(config)
    except APIError as error:
        if error.err_code != _NAME_IN_USE:
            raise
        await jetstream.update_stream(config)


async def ensure_consumer(jetstream: JetStreamContext, trigger: Trigger, broker: Broker, ack_wait: float) -> None:
    """Create or update a Trigger's durable consumer. Raises nats.errors.Error."""
    stream_names = broker.stream_names
    policy, since = await _start(jetstream, stream_names.log, stream_names.consumer(trigger.name), trigger)
    config = ConsumerConfig(
        durable_name=stream_names.consumer(trigger.name),
        filter_subjects=subjects(trigger, broker),
        ack_wait=ack_wait,
        max_deliver=-1,
        max_ack_pending=_MAX_ACK_PENDING,
        deliver_policy=policy,
        opt_start_time=since,
        metadata={_UID: trigger.uid},
    )
    await jetstream.add_consumer(stream_names.log, config)


def subjects(trigger: Trigger, broker: Broker) -> list[str]:
    """What of the log a Trigger's consumer hands out."""
    stream_names, types = broker.stream_names, trigger.filter.types
    wanted = [stream_names.events()] if types is None else sorted(stream_names.event(one) for one in types)
    return [*wanted, stream_names.replay(trigger.name)]


async def _start(jetstream: JetStreamContext, log: str, consumer: str, trigger: Trigger) -> _Start:
    """Where a consumer starts to read; one that exists keeps its start, the server allows no other.

    A Trigger gets what comes after it was made, also before its consumer is bound, or while that was lost. Those made
    together with their log get all that is in it. What an earlier Trigger of the name has left behind is removed, for
    its place in the log is not this one's.
    """
    with suppress(NotFoundError):
        existing = (await jetstream.consumer_info(log, consumer)).config
        if not trigger.uid or _uid(existing.metadata) in {"", trigger.uid}:  # in files they have none
            return existing.deliver_policy or DeliverPolicy.ALL, existing.opt_start_time
        await jetstream.delete_consumer(log, consumer)
    if _made_together(trigger, await jetstream.stream_info(log)):
        return DeliverPolicy.ALL, None
    return DeliverPolicy.BY_START_TIME if trigger.created else DeliverPolicy.NEW, trigger.created


def _made_together(trigger: Trigger, log: StreamInfo) -> bool:
    """Without the age of a Trigger, one that comes before the log is marked."""
    if trigger.created is None:
        return _BOUND not in (log.config.metadata or {})
    return trigger.created <= (log.created or datetime.min.replace(tzinfo=UTC)) + _TOGETHER


async def note_bound(jetstream: JetStreamContext, broker: Broker) -> None:
    """Mark that the first consumers of a Broker's log are there. Raises nats.errors.Error."""
    config = (await jetstream.stream_info(broker.stream_names.log)).config
    metadata = config.metadata or {}
    if _BOUND not in metadata:
        await jetstream.update_stream(config.evolve(metadata={**metadata, _BOUND: "true"}))


async def remove(jetstream: JetStreamContext, cleanup: Cleanup) -> None:
    """Remove a Broker's streams or a Trigger's consumer, and none of a later object's. Raises nats.errors.Error."""
    stream_names = cleanup.stream_names
    if cleanup.trigger is not None:
        if await owner(jetstream, cleanup) == cleanup.uid:
            with suppress(NotFoundError):
                await jetstream.delete_consumer(stream_names.log, stream_names.consumer(cleanup.trigger))
        return
    for stream in (stream_names.log, stream_names.schedules, stream_names.dead_letters):
        with suppress(NotFoundError):
            if _uid((await jetstream.stream_info(stream)).config.metadata) == cleanup.uid:
                await jetstream.delete_stream(stream)


async def reach(jetstream: JetStreamContext) -> None:
    """Return if JetStream answers at all, by what whoever works with streams may ask. Raises nats.errors.Error."""
    with suppress(NotFoundError):
        await jetstream.stream_info(_NOBODYS)


async def owner(jetstream: JetStreamContext, cleanup: Cleanup) -> str | None:
    """The uid that a Trigger's consumer or a Broker's log was made for; None if there is none.

    Raises nats.errors.Error.
    """
    stream_names = cleanup.stream_names
    try:
        if cleanup.trigger is None:
            return _uid((await jetstream.stream_info(stream_names.log)).config.metadata)
        return _uid(
            (await jetstream.consumer_info(stream_names.log, stream_names.consumer(cleanup.trigger))).config.metadata
        )
    except NotFoundError:
        return None


def _uid(metadata: dict[str, str] | None) -> str:
    return (metadata or {}).get(_UID, "")


async def _bound(jetstream: JetStreamContext, stream: str) -> dict[str, str]:
    with suppress(NotFoundError):
        metadata = (await jetstream.stream_info(stream)).config.metadata or {}
        return {key: value for key, value in metadata.items() if key == _BOUND}
    return {}
