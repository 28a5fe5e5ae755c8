"""One Trigger at work: each message of its consumer ends in an acknowledgement, a delay or a dead letter."""

import logging
import time
from contextlib import suppress

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from events.broker.consumers import filter_subjects
from events.broker.model import Broker, Delivery, Trigger
from events.broker.nats_binding import Origin, read
from events.broker.streams import LOG_AGE
from events.cloudevents import ttl
from events.cloudevents.event import Event, MalformedEventError
from events.deadletters import DeadLetters, with_error
from events.dispatcher.attempts import Attempts, DeadLetterReason
from events.dispatcher.replies import Parent, Replies
from events.dispatcher.subscriber import DeliveryError, Subscribers
from events.runtime import metrics
from events.runtime.publisher import Publisher

_log = logging.getLogger(__name__)

_ACK = b"+ACK"
_SINK_TIMEOUT = 30.0  # seconds
_NOT_OURS_DELAY = 1.0  # seconds
_LONGEST_FAULT = 60.0  # seconds until what failed on our own side is tried again
_LAST_ATTEMPT = LOG_AGE - 86_400  # seconds after an event was stored


class Worker:
    """Delivers the events that a Trigger wants."""

    def __init__(self, trigger: Trigger, broker: Broker, connection: Client, subscribers: Subscribers) -> None:
        publisher = Publisher(connection)
        self._trigger = trigger
        self._delivery: Delivery = trigger.delivery or broker.delivery
        self._layout = broker.stream_names
        self._structured = self._delivery.structured
        self._namespace = {"Kn-Namespace": trigger.namespace}  # as Knative's own Broker tells it
        self._fields = {**self._namespace, "Prefer": "reply"}
        self._reserved_sources = broker.reserved_sources
        self._replay_subject = broker.stream_names.replay(trigger.name)
        self._subjects = None if trigger.filter.types is None else frozenset(filter_subjects(trigger, broker))
        self._connection = connection
        self._subscribers = subscribers
        self._replies = Replies(publisher, trigger, broker)
        self._attempts = Attempts()
        self._dead_letters = DeadLetters(publisher, connection.jetstream(), broker.stream_names)
        self._counts = metrics.of_trigger((trigger.namespace, broker.name, trigger.name))

    async def handle(self, message: Msg) -> None:
        """Deliver a message's event and tell JetStream how that went.

        Nothing is acknowledged that is not delivered or kept elsewhere: whatever fails on our own side delays it.
        """
        origin = Origin.of(message)
        try:
            outcome = await self._settle(message, origin)
        except nats.errors.Error as error:
            _log.warning("event is kept for later", extra=self._about(origin, str(error)))
            outcome = self._later(origin)
        except Exception:  # noqa: BLE001 a fault of ours must not lose the event, nor stop the others
            _log.exception("event is kept for later", extra=self._about(origin, "see exception"))
            outcome = self._later(origin)
        with suppress(nats.errors.Error):  # what is not acknowledged comes again
            await self._connection.publish(message.reply, outcome)

    def _later(self, origin: Origin) -> bytes:
        """Within a minute, however many days are left between attempts of the subscriber: the log forgets."""
        return _delayed(min(self._delivery.retries.delay(origin.delivered), _LONGEST_FAULT))

    async def _settle(self, message: Msg, origin: Origin) -> bytes:
        try:
            event = read(message, origin, self._layout)
            self._check_subject(event, message.subject)
        except MalformedEventError as error:
            return await self._park_malformed(message, origin, error)
        parent = Parent(origin, ttl.pop_ttl(event))
        if (verdict := self._attempts.verdict(origin.sequence)) is not None:
            return await self._bury(event, origin, verdict)
        if message.subject != self._replay_subject and not self._trigger.filter.matches(event):
            return _ACK if self._is_asked_for(message.subject) else _delayed(_NOT_OURS_DELAY)
        try:
            await self._deliver(event, parent)
        except DeliveryError as error:
            return await self._after_failure(event, origin, error)
        self._attempts.settle(origin.sequence)
        self._counts.delivered.inc()
        self._counts.latency.observe(max(0.0, time.time() - origin.timestamp))
        return _ACK

    def _is_asked_for(self, subject: str) -> bool:
        """Otherwise the Trigger has been edited, and another replica knew first: it wants what this one does not."""
        return self._subjects is None or subject in self._subjects

    def _check_subject(self, event: Event, subject: str) -> None:
        """Who may publish what on NATS is said by subject, so a reserved source counts on its own type's only."""
        if event["source"].startswith(self._reserved_sources) and subject not in (
            self._replay_subject,
            self._layout.event(event["type"]),
        ):
            raise MalformedEventError(f"an event of {event['source']} on a subject of another type")

    async def _deliver(self, event: Event, parent: Parent) -> None:
        began = time.perf_counter()
        try:
            answer = await self._subscribers.deliver(
                event, self._trigger.subscriber, self._delivery.timeout, self._fields, structured=self._structured
            )
        finally:
            self._counts.answer_time.observe(time.perf_counter() - began)
        await self._replies.store(answer, parent)

    async def _after_failure(self, event: Event, origin: Origin, error: DeliveryError) -> bytes:
        about = self._about(origin, str(error), event)
        if (delay := self._next_attempt(origin, error)) is not None:
            _log.warning("event is delivered again", extra=about)
            self._counts.retried.inc()
            return _delayed(delay)
        _log.error("event is a dead letter", extra=about)
        return await self._bury(event, origin, self._attempts.give_up(origin.sequence, error))

    def _next_attempt(self, origin: Origin, error: DeliveryError) -> float | None:
        """Count the failure. Seconds until the next attempt; None if there is to be none.

        What would wait for longer than the log keeps it would be lost.
        """
        policy, failures = self._delivery.retries, self._attempts.fail(origin.sequence)
        delay = policy.delay(failures, error.asked)
        is_left = time.time() + delay > origin.timestamp + _LAST_ATTEMPT
        return delay if error.retried and failures <= policy.retry and not is_left else None

    async def _bury(self, event: Event, origin: Origin, verdict: DeadLetterReason) -> bytes:
        """To the dead letter sink, by the same policy; where there is none, or it fails, to the Broker's dead letters.

        Between attempts the message waits in JetStream as for the subscriber, so that a sink that is away holds up no
        other event. Once these are forgotten, with the process perhaps, it begins with the subscriber again.
        """
        letter = with_error(event, self._trigger.subscriber.url, verdict.code, verdict.body)
        reason = verdict.reason
        try:
            if self._delivery.dead_letter_sink is None:
                await self._dead_letters.add(self._trigger.name, letter, reason, origin)
            else:
                await self._subscribers.deliver(letter, self._delivery.dead_letter_sink, _SINK_TIMEOUT, self._namespace)
        except DeliveryError as error:
            reason = f"{reason}; dead letter sink: {error}"
            if (delay := self._next_attempt(origin, error)) is not None:
                _log.warning("dead letter is sent again", extra=self._about(origin, reason, event))
                return _delayed(delay)
            await self._dead_letters.add(self._trigger.name, letter, reason, origin)
        self._attempts.settle(origin.sequence)
        self._counts.dead_lettered.inc()
        return _ACK

    async def _park_malformed(self, message: Msg, origin: Origin, error: MalformedEventError) -> bytes:
        _log.error("message is no CloudEvent", extra=self._about(origin, str(error)))
        name, headers = self._trigger.name, message.headers or {}
        await self._dead_letters.add_malformed(name, headers, message.data, str(error), origin)
        self._counts.dead_lettered.inc()
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
        return about | {"event": event["id"], "type": event["type"], "trace": _trace_id(event)}


def _trace_id(event: Event) -> str | None:
    """The part of its `traceparent` that all hops of a trace share (W3C Trace Context), as functions log it."""
    version, _, rest = (event.get("traceparent") or "").partition("-")
    return rest.partition("-")[0] if version == "00" else None


def _delayed(seconds: float) -> bytes:
    return b'-NAK {"delay": %d}' % int(seconds * 1_000_000_000)
