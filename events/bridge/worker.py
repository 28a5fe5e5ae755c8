"""One Trigger at work: each message of its consumer ends in an acknowledgement, a delay or a dead letter."""

import logging

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from events.bridge.replies import Replies
from events.bridge.resources import Broker, Delivery, Trigger
from events.bridge.subscriber import DeliveryError, Subscribers
from events.cloudevent import Event, MalformedEventError
from events.deadletters import DeadLetters, with_error
from events.jetstream import Publisher
from events.nats_binding import Origin, read

_log = logging.getLogger(__name__)

_ACK = b"+ACK"
_SINK_TIMEOUT = 30.0  # seconds


class Worker:
    """Delivers the events that a Trigger wants."""

    def __init__(self, trigger: Trigger, broker: Broker, connection: Client, subscribers: Subscribers) -> None:
        publisher = Publisher(connection)
        self._trigger = trigger
        self._delivery: Delivery = trigger.delivery or broker.delivery
        self._layout = broker.layout
        self._replay_subject = broker.layout.replay(trigger.name)
        self._connection = connection
        self._subscribers = subscribers
        self._replies = Replies(publisher, trigger, broker)
        self._dead_letters = DeadLetters(publisher, connection.jetstream(), broker.layout)

    async def handle(self, message: Msg) -> None:
        """Deliver a message's event and tell JetStream how that went.

        Nothing is acknowledged that is not delivered or kept elsewhere: whatever fails on our own side delays it.
        """
        origin = Origin.of(message)
        try:
            outcome = await self._settle(message, origin)
        except nats.errors.Error as error:
            _log.warning("event is kept for later", extra=self._about(origin, str(error)))
            outcome = _delayed(self._delivery.retries.delay(origin.delivered))
        except Exception:  # noqa: BLE001 a fault of ours must not lose the event, nor stop the others
            _log.exception("event is kept for later", extra=self._about(origin, "see exception"))
            outcome = _delayed(self._delivery.retries.delay(origin.delivered))
        await self._connection.publish(message.reply, outcome)

    async def _settle(self, message: Msg, origin: Origin) -> bytes:
        try:
            event = read(message, origin, self._layout)
        except MalformedEventError as error:
            return await self._park_malformed(message, origin, error)
        if message.subject != self._replay_subject and not self._trigger.filter.matches(event):
            return _ACK
        try:
            await self._deliver(event, origin)
        except DeliveryError as error:
            return await self._after_failure(event, origin, error)
        return _ACK

    async def _deliver(self, event: Event, origin: Origin) -> None:
        answer = await self._subscribers.deliver(event, self._trigger.subscriber, self._delivery.timeout)
        await self._replies.store(answer, origin)

    async def _after_failure(self, event: Event, origin: Origin, error: DeliveryError) -> bytes:
        policy = self._delivery.retries
        about = self._about(origin, str(error), event)
        if error.retried and origin.delivered <= policy.retry:
            _log.warning("event is delivered again", extra=about)
            return _delayed(policy.delay(origin.delivered, error.asked))
        _log.error("event is a dead letter", extra=about)
        await self._bury(event, origin, error)
        return _ACK

    async def _bury(self, event: Event, origin: Origin, error: DeliveryError) -> None:
        """To the dead letter sink; where there is none, or it fails, to the Broker's dead letters."""
        letter = with_error(event, self._trigger.subscriber.url, error.code, error.body)
        reason, sink = str(error), self._delivery.dead_letter_sink
        if sink is not None:
            try:
                await self._subscribers.deliver(letter, sink, _SINK_TIMEOUT, prefer_reply=False)
            except DeliveryError as failure:
                reason = f"{reason}; dead letter sink: {failure}"
            else:
                return
        await self._dead_letters.park(self._trigger.name, letter, reason, origin)

    async def _park_malformed(self, message: Msg, origin: Origin, error: MalformedEventError) -> bytes:
        _log.error("message is no CloudEvent", extra=self._about(origin, str(error)))
        name, headers = self._trigger.name, message.headers or {}
        await self._dead_letters.park_malformed(name, headers, message.data, str(error), origin)
        return _ACK

    def _about(self, origin: Origin, reason: str, event: Event | None = None) -> dict[str, object]:
        about = {
            "trigger": self._trigger.name,
            "sequence": origin.sequence,
            "attempt": origin.delivered,
            "reason": reason,
        }
        if event is None:
            return about
        return about | {"event": event["id"], "type": event["type"], "trace": event.get("traceparent")}


def _delayed(seconds: float) -> bytes:
    return b'-NAK {"delay": %d}' % int(seconds * 1_000_000_000)
