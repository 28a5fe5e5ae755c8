"""What has passed through a Broker so far, read from its streams."""

from collections.abc import AsyncIterator

import nats
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from events.broker import nats_binding
from events.broker.nats_binding import MessageInfo
from events.broker.subjects import StreamNames
from events.cloudevents.event import Event

TIMEOUT_SECONDS = 30


async def events(nats_url: str, stream_names: StreamNames) -> list[Event]:
    """Every event in the log, and those that wait until they are due."""
    connection = await nats.connect(nats_url)
    jetstream = connection.jetstream(timeout=TIMEOUT_SECONDS)
    kept = {stream_names.log: stream_names.events(), stream_names.schedules: stream_names.scheduled()}
    try:
        return [
            nats_binding.read(message, MessageInfo.of(message), stream_names)
            for stream, subject in kept.items()
            async for message in _messages(jetstream, stream, subject)
        ]
    finally:
        await connection.close()


async def _messages(jetstream: JetStreamContext, stream: str, subject: str) -> AsyncIterator[Msg]:
    """Those that a stream holds now."""
    subscription = await jetstream.subscribe(subject, stream=stream, ordered_consumer=True)
    info = await subscription.consumer_info()  # some may be on their way here already
    left = (info.num_pending or 0) + (info.delivered.consumer_seq if info.delivered else 0)
    while left:
        message = await subscription.next_msg(TIMEOUT_SECONDS)
        left = message.metadata.num_pending
        yield message
