"""How far a consumer is behind."""

from datetime import UTC, datetime

from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo, RawStreamMsg
from nats.js.errors import NotFoundError


async def age(jetstream: JetStreamContext, consumer: ConsumerInfo) -> float:
    """Return the seconds since the first message was stored that a consumer still needs, 0 without one.

    Raises nats.errors.Error.
    """
    subjects = consumer.config.filter_subjects or [consumer.config.filter_subject or ""]
    floor = consumer.ack_floor.stream_seq if consumer.ack_floor else 0
    found = [await _next(jetstream, consumer.stream_name, floor + 1, subject) for subject in subjects]
    times = [message.time for message in found if message is not None and message.time is not None]
    return max(0.0, (datetime.now(UTC) - min(times)).total_seconds()) if times else 0.0


async def _next(jetstream: JetStreamContext, stream: str, sequence: int, subject: str) -> RawStreamMsg | None:
    try:
        return await jetstream.get_msg(stream, sequence, subject=subject, next=True)
    except NotFoundError:
        return None
