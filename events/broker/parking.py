"""The stream of a Trigger's parked events: those that wait for a retry, moved out of the Broker's log.

An event that keeps failing would hold all later ones in the log, since only what lies below the oldest event that is
still needed can be removed there. The stream is created with the first parked event, and holds an event until it is
acknowledged. It has no limit of its own in JetStream, which would reserve that space for each Trigger; the dispatcher
parks as much as the Broker's `max_parked_bytes` allows.
"""

from contextlib import suppress

from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError

from events.broker.consumers import MAX_ACK_PENDING, all_consumers
from events.broker.model import Cleanup, Route
from events.broker.streams import UID, put_stream, uid

_BROKER_UID = "ticketing.dev.broker-uid"


async def ensure_parking(jetstream: JetStreamContext, route: Route, ack_wait: float) -> None:
    """Create or update the stream and its consumer; `ack_wait` in seconds. Raises nats.errors.Error."""
    names, trigger = route.broker.stream_names, route.trigger.name
    config = StreamConfig(
        name=names.parked_stream(trigger),
        subjects=[names.parked(trigger)],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        num_replicas=route.broker.replicas,
        metadata={UID: route.trigger.uid, _BROKER_UID: route.broker.uid},
    )
    await put_stream(jetstream, config)
    consumer = ConsumerConfig(
        durable_name=names.consumer(trigger),
        filter_subject=names.parked(trigger),
        ack_wait=ack_wait,
        max_deliver=-1,
        max_ack_pending=MAX_ACK_PENDING,
    )
    await jetstream.add_consumer(names.parked_stream(trigger), consumer)


async def find_parking(jetstream: JetStreamContext, route: Route) -> StreamInfo | None:
    """Return the stream's information, None if there is none.

    The stream of an earlier Trigger of the same name is deleted. Raises nats.errors.Error.
    """
    stream = route.broker.stream_names.parked_stream(route.trigger.name)
    with suppress(NotFoundError):
        info = await jetstream.stream_info(stream)
        if not route.trigger.uid or uid(info.config.metadata) in {"", route.trigger.uid}:  # in files there is no uid
            return info
        await jetstream.delete_stream(stream)
    return None


async def remove_parking(jetstream: JetStreamContext, cleanup: Cleanup) -> None:
    """Remove the stream of a deleted Trigger, or those of all Triggers of a deleted Broker.

    A deleted Broker's Triggers are those with a consumer of its log, so this comes before the log is removed. The
    streams of a later object of the same name stay. Raises nats.errors.Error.
    """
    names = cleanup.stream_names
    if cleanup.trigger is not None:
        await _remove(jetstream, names.parked_stream(cleanup.trigger), UID, cleanup.uid)
        return
    with suppress(NotFoundError):
        for consumer in await all_consumers(jetstream, names.log):
            await _remove(jetstream, names.parked_stream(consumer.name), _BROKER_UID, cleanup.uid)


async def _remove(jetstream: JetStreamContext, stream: str, key: str, owner: str) -> None:
    with suppress(NotFoundError):
        metadata = (await jetstream.stream_info(stream)).config.metadata or {}
        if metadata.get(key, "") == owner:
            await jetstream.delete_stream(stream)
