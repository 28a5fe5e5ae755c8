"""A Broker's streams in JetStream: created, updated, removed."""

from contextlib import suppress

from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StorageType, StreamConfig, StreamSource, SubjectTransform
from nats.js.errors import APIError, NotFoundError

from events.broker.model import Broker, Cleanup
from events.runtime.publisher import MAX_EVENT

LOG_AGE = 7 * 86_400.0  # seconds
DEAD_LETTER_AGE = 14 * 86_400.0  # seconds
BOUND = "ticketing.dev.bound"
UID = "ticketing.dev.uid"

_DUPLICATE_WINDOW = 120.0  # seconds
_SOURCE_HEADERS = 8 << 10  # bytes, more than the headers in which JetStream says where a message was sourced from
_MISSING_STREAM = "missing"  # never exists: the stream name of every Broker has an underscore in it
_NAME_IN_USE = 10058


async def ensure_streams(jetstream: JetStreamContext, broker: Broker) -> None:
    """Create or update the streams of a Broker. Raises nats.errors.Error."""
    await _ensure(jetstream, broker, _schedules(broker))
    await _ensure(jetstream, broker, _log(broker))
    await _ensure(jetstream, broker, _dead_letters(broker))


def _schedules(broker: Broker) -> StreamConfig:
    """Configure the stream of scheduled events.

    It has no limits, since an event that a limit removes before it is due would be lost. Events that came due have a
    time to live of their own, long enough for the log to source them.
    """
    stream_names = broker.stream_names
    return StreamConfig(
        name=stream_names.schedules,
        subjects=[stream_names.scheduled(), stream_names.all_due()],
        allow_msg_schedules=True,
        allow_msg_ttl=True,
        max_msg_size=MAX_EVENT,
        duplicate_window=_DUPLICATE_WINDOW,
    )


def _log(broker: Broker) -> StreamConfig:
    """Configure the log, which rejects events when it is full rather than remove some that are not delivered yet.

    Its largest message is larger than an event: one that it could not source from the schedules would block all that
    come due later, and a dead letter needs headers beside the event's.
    """
    stream_names = broker.stream_names
    due = SubjectTransform(src=stream_names.all_due(), dest=stream_names.events())
    return StreamConfig(
        name=stream_names.log,
        subjects=[stream_names.events(), stream_names.replays()],
        max_age=LOG_AGE,
        max_bytes=broker.max_bytes,
        max_msg_size=MAX_EVENT + _SOURCE_HEADERS,
        discard=DiscardPolicy.NEW,
        duplicate_window=_DUPLICATE_WINDOW,
        sources=[StreamSource(name=stream_names.schedules, subject_transforms=[due])],
    )


def _dead_letters(broker: Broker) -> StreamConfig:
    """Configure the stream of dead letters, which end before the rows that make a late event harmless."""
    return StreamConfig(
        name=broker.stream_names.dead_letters,
        subjects=[broker.stream_names.all_dead_letters()],
        max_age=DEAD_LETTER_AGE,
        max_bytes=broker.max_bytes // 4,
        discard=DiscardPolicy.NEW,
    )


async def _ensure(jetstream: JetStreamContext, broker: Broker, config: StreamConfig) -> None:
    config = config.evolve(
        storage=StorageType.FILE,
        num_replicas=broker.replicas,
        metadata=await _bound_mark(jetstream, str(config.name)) | {UID: broker.uid},
    )
    await put_stream(jetstream, config)


async def put_stream(jetstream: JetStreamContext, config: StreamConfig) -> None:
    """Create a stream, or update it if it exists. Raises nats.errors.Error."""
    try:
        await jetstream.add_stream(config)
    except APIError as error:
        if error.err_code != _NAME_IN_USE:
            raise
        await jetstream.update_stream(config)


async def _bound_mark(jetstream: JetStreamContext, stream: str) -> dict[str, str]:
    """Return the mark of `consumers.mark_bound`, which an update of the stream has to keep."""
    with suppress(NotFoundError):
        metadata = (await jetstream.stream_info(stream)).config.metadata or {}
        return {key: value for key, value in metadata.items() if key == BOUND}
    return {}


async def remove(jetstream: JetStreamContext, cleanup: Cleanup) -> None:
    """Remove a Broker's streams or a Trigger's consumer, but not those of a later object of the same name.

    Raises nats.errors.Error.
    """
    stream_names = cleanup.stream_names
    if cleanup.trigger is not None:
        if await owner(jetstream, cleanup) == cleanup.uid:
            with suppress(NotFoundError):
                await jetstream.delete_consumer(stream_names.log, stream_names.consumer(cleanup.trigger))
        return
    for stream in (stream_names.log, stream_names.schedules, stream_names.dead_letters):
        with suppress(NotFoundError):
            if uid((await jetstream.stream_info(stream)).config.metadata) == cleanup.uid:
                await jetstream.delete_stream(stream)


async def owner(jetstream: JetStreamContext, cleanup: Cleanup) -> str | None:
    """Return the uid that a Trigger's consumer or a Broker's log was created for; None if it does not exist.

    Raises nats.errors.Error.
    """
    stream_names = cleanup.stream_names
    try:
        if cleanup.trigger is None:
            return uid((await jetstream.stream_info(stream_names.log)).config.metadata)
        consumer = await jetstream.consumer_info(stream_names.log, stream_names.consumer(cleanup.trigger))
    except NotFoundError:
        return None
    return uid(consumer.config.metadata)


def uid(metadata: dict[str, str] | None) -> str:
    """Return the uid in the metadata of a stream or consumer, "" if it was created without one."""
    return (metadata or {}).get(UID, "")


async def probe(jetstream: JetStreamContext) -> None:
    """Return if JetStream responds, asking for what every user of a stream may ask for. Raises nats.errors.Error."""
    with suppress(NotFoundError):
        await jetstream.stream_info(_MISSING_STREAM)
