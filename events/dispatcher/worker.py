"""Handles the messages of one Trigger: each ends in an acknowledgement, a delayed redelivery or a dead letter."""

import asyncio
import logging
import time
from contextlib import suppress

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from events.broker.consumers import filter_subjects
from events.broker.model import Delivery, Route
from events.broker.nats_binding import Origin, read
from events.broker.origins import reserved_services
from events.broker.streams import LOG_AGE
from events.cloudevents import ttl
from events.cloudevents.errors import MalformedEventError
from events.cloudevents.event import Event
from events.deadletters import DeadLetters, with_error
from events.dispatcher.attempts import Attempts, DeadLetterReason
from events.dispatcher.parking import Parking, read_parked
from events.dispatcher.replies import Parent, Replies
from events.dispatcher.subscriber import DeliveryError, Subscribers
from events.runtime import metrics
from events.runtime.publisher import Publisher

_log = logging.getLogger(__name__)

_ACK = b"+ACK"
_SINK_TIMEOUT = 30.0  # seconds
_OTHER_FILTER_DELAY = 1.0  # seconds
_LONGEST_OWN_DELAY = 60.0  # seconds until what failed on our own side is tried again
_LAST_ATTEMPT = LOG_AGE - 86_400  # seconds after an event was stored


class Worker:
    """Delivers the events that match a Trigger to its subscriber."""

    def __init__(self, route: Route, connection: Client, subscribers: Subscribers, parking: Parking) -> None:
        publisher, trigger, broker = Publisher(connection), route.trigger, route.broker
        self._trigger = trigger
        self._delivery: Delivery = trigger.delivery or broker.delivery
        self._stream_names = broker.stream_names
        self._structured = self._delivery.structured
        self._namespace = {"Kn-Namespace": trigger.namespace}  # as Knative's own Broker sends it
        self._fields = {**self._namespace, "Prefer": "reply"}
        self._reserved_sources = broker.reserved_sources
        self._replay_subject = broker.stream_names.replay(trigger.name)
        self._subjects = None if trigger.filter.types is None else frozenset(filter_subjects(trigger, broker))
        self._connection = connection
        self._subscribers = subscribers
        self._replies = Replies(publisher, trigger, broker)
        self._attempts = Attempts()
        self._parking = parking
        self._failed_in_row = 0
        self._slots = asyncio.Semaphore(trigger.concurrency)  # shared by the events of the log and the parked ones
        self._dead_letters = DeadLetters(publisher, connection.jetstream(), broker.stream_names)
        self._counts = metrics.of_trigger((trigger.namespace, broker.name, trigger.name))

    async def handle(self, message: Msg) -> None:
        """Deliver the event of a message in the log and tell JetStream the outcome.

        An event is acknowledged only once it is delivered or stored elsewhere, parked for instance.
        """
        origin = Origin.of(message)
        if self._is_failing and await self._parking.park(message, origin, 0, time.time()):
            await self._respond(message, None)
            return
        delay = await self._attempt(message, origin)
        if delay is not None:
            failures = self._attempts.failures(origin.sequence)
            delay = None if await self._parking.park_for(delay, message, origin, failures) else delay
        await self._respond(message, delay)

    @property
    def _is_failing(self) -> bool:
        """Tell if the subscriber is down: the events of the log are then parked first, and wait for it there.

        Otherwise a subscriber that does not respond would take as many as its concurrency in each timeout.
        """
        return self._failed_in_row >= self._trigger.concurrency

    async def handle_parked(self, message: Msg) -> None:
        """Deliver a parked event once it is due and tell JetStream the outcome."""
        try:
            parked = read_parked(message)
        except (KeyError, ValueError) as error:
            await self._settle_foreign(message, error)
            return
        wait = parked.until - time.time()
        if wait > 0:
            await self._respond(message, wait)
            return
        self._attempts.resume(parked.origin.sequence, parked.failures)
        delay = await self._attempt(parked.message, parked.origin)
        await self._respond(message, delay)
        if delay is None:
            self._parking.settle(parked)

    async def _settle_foreign(self, message: Msg, error: Exception) -> None:
        """Dead-letter a message that another client has published among the parked events."""
        with suppress(nats.errors.Error):  # JetStream redelivers what is not acknowledged
            reason = MalformedEventError(f"message is not a parked event: {error!r}")
            await self._dead_letter_malformed(message, Origin.of(message), reason)
            await self._respond(message, None)

    async def _respond(self, message: Msg, delay: float | None) -> None:
        """Acknowledge a message, or have it redelivered after `delay` seconds."""
        with suppress(nats.errors.Error):  # JetStream redelivers what is not acknowledged
            await self._connection.publish(message.reply, _ACK if delay is None else _nak(delay))

    async def _attempt(self, message: Msg, origin: Origin) -> float | None:
        """Return the seconds until the next attempt, None if there is to be none. Never fails."""
        try:
            async with self._slots:
                return await self._process(message, origin)
        except nats.errors.Error as error:
            _log.warning("event not settled; retry scheduled", extra=self._about(origin, str(error)))
        except Exception:  # noqa: BLE001 a fault of ours must neither lose the event nor stop the others
            _log.exception("event not settled; retry scheduled", extra=self._about(origin, "see exception"))
        # Within a minute, even if the delivery spec leaves days between attempts: the log's age is limited.
        return min(self._delivery.retries.delay(origin.delivered), _LONGEST_OWN_DELAY)

    async def _process(self, message: Msg, origin: Origin) -> float | None:
        try:
            event = read(message, origin, self._stream_names)
            self._check_subject(event, message.subject)
        except MalformedEventError as error:
            await self._dead_letter_malformed(message, origin, error)
            return None
        parent = Parent(origin, ttl.pop_ttl(event))
        if (reason := self._attempts.reason(origin.sequence)) is not None:
            return await self._dead_letter(event, origin, reason)
        if message.subject != self._replay_subject and not self._trigger.filter.matches(event):
            return None if self._is_requested(message.subject) else _OTHER_FILTER_DELAY
        try:
            await self._deliver(event, parent)
        except DeliveryError as error:
            return await self._after_failure(event, origin, error)
        self._failed_in_row = 0
        self._attempts.settle(origin.sequence)
        self._counts.delivered.inc()
        self._counts.latency.observe(max(0.0, time.time() - origin.timestamp))
        return None

    def _is_requested(self, subject: str) -> bool:
        """Tell if our filter asks for a subject. Otherwise the Trigger was edited, and another replica knew first."""
        return self._subjects is None or subject in self._subjects

    def _check_subject(self, event: Event, subject: str) -> None:
        """Raise MalformedEventError unless a reserved source comes on its own type's subject.

        NATS permissions say by subject who may publish what.
        """
        if reserved_services(event["source"], self._reserved_sources) and subject not in (
            self._replay_subject,
            self._stream_names.event(event["type"]),
        ):
            raise MalformedEventError(f"an event of {event['source']} on a subject of another type")

    async def _deliver(self, event: Event, parent: Parent) -> None:
        began = time.perf_counter()
        try:
            response = await self._subscribers.deliver(
                event, self._trigger.subscriber, self._delivery.timeout, self._fields, structured=self._structured
            )
        finally:
            self._counts.answer_time.observe(time.perf_counter() - began)
        await self._replies.store(response, parent)

    async def _after_failure(self, event: Event, origin: Origin, error: DeliveryError) -> float | None:
        about = self._about(origin, str(error), event)
        self._failed_in_row = self._failed_in_row + 1 if error.retried else 0
        if (delay := self._next_attempt(origin, error)) is not None:
            _log.warning("delivery failed; retry scheduled", extra={**about, "seconds": delay})
            self._counts.retried.inc()
            return delay
        _log.error("delivery failed; event is dead-lettered", extra=about)
        return await self._dead_letter(event, origin, self._attempts.give_up(origin.sequence, error))

    def _next_attempt(self, origin: Origin, error: DeliveryError) -> float | None:
        """Count the failure. Return the seconds until the next attempt, None if there is to be none.

        An attempt that would come after the log's age limit would lose the event.
        """
        policy, failures = self._delivery.retries, self._attempts.fail(origin.sequence)
        delay = policy.delay(failures, error.asked)
        is_too_late = time.time() + delay > origin.timestamp + _LAST_ATTEMPT
        return delay if error.retried and failures <= policy.retry and not is_too_late else None

    async def _dead_letter(self, event: Event, origin: Origin, reason: DeadLetterReason) -> float | None:
        """Deliver to the dead letter sink by the same policy; without one, or if it fails, store with the Broker's.

        Between attempts the message waits in JetStream as for the subscriber, so that a sink that is down delays no
        other event. Once the attempts are forgotten, as by a restart, it begins with the subscriber again.
        """
        letter = with_error(event, self._trigger.subscriber.redacted, reason.code, reason.body)
        text = reason.reason
        try:
            if self._delivery.dead_letter_sink is None:
                await self._dead_letters.add(self._trigger.name, letter, text, origin)
            else:
                await self._subscribers.deliver(letter, self._delivery.dead_letter_sink, _SINK_TIMEOUT, self._namespace)
        except DeliveryError as error:
            text = f"{text}; dead letter sink: {error}"
            if (delay := self._next_attempt(origin, error)) is not None:
                about = self._about(origin, text, event)
                _log.warning("delivery to the dead letter sink failed; retry scheduled", extra=about)
                return delay
            await self._dead_letters.add(self._trigger.name, letter, text, origin)
        self._attempts.settle(origin.sequence)
        self._counts.dead_lettered.inc()
        return None

    async def _dead_letter_malformed(self, message: Msg, origin: Origin, error: MalformedEventError) -> None:
        _log.error("message is not a valid CloudEvent; it is dead-lettered", extra=self._about(origin, str(error)))
        name, headers = self._trigger.name, message.headers or {}
        await self._dead_letters.add_malformed(name, headers, message.data, str(error), origin)
        self._counts.dead_lettered.inc()

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
    """Return the trace id of an event's `traceparent` (W3C Trace Context), as functions log it."""
    version, _, rest = (event.get("traceparent") or "").partition("-")
    return rest.partition("-")[0] if version == "00" else None


def _nak(seconds: float) -> bytes:
    return b'-NAK {"delay": %d}' % int(seconds * 1_000_000_000)
