"""What follows a failed delivery of a Trigger: another attempt, or a dead letter."""

import logging
import time

from nats.aio.client import Client
from nats.aio.msg import Msg

from events.broker import tracing
from events.broker.model import Route
from events.broker.nats_binding import MessageInfo
from events.broker.streams import LOG_AGE
from events.cloudevents.errors import MalformedEventError
from events.cloudevents.event import Event
from events.deadletters import DeadLetters, with_error
from events.dispatcher.attempts import Attempts, DeadLetterReason
from events.dispatcher.subscriber import DeliveryError, Subscribers
from events.runtime.metrics import TriggerMetrics
from events.runtime.publisher import Publisher

_log = logging.getLogger(__name__)

_SINK_TIMEOUT = 30.0  # seconds
_MAX_OWN_DELAY = 60.0  # seconds until what failed on our own side is tried again
_LAST_ATTEMPT = LOG_AGE - 86_400  # seconds after an event was stored


class Failures:
    """Counts the failed deliveries of a Trigger, and applies its delivery spec to them.

    Methods that return seconds return those until the next attempt, or None if there is to be none.
    """

    def __init__(self, route: Route, connection: Client, subscribers: Subscribers, metrics: TriggerMetrics) -> None:
        self._trigger = route.trigger
        self._delivery = route.trigger.delivery or route.broker.delivery
        self._subscribers = subscribers
        self._dead_letters = DeadLetters(Publisher(connection), connection.jetstream(), route.broker.stream_names)
        self._metrics = metrics
        self._in_row = 0
        self.attempts = Attempts()

    @property
    def subscriber_is_down(self) -> bool:
        """Tell if as many deliveries in a row have failed as are sent at once."""
        return self._in_row >= self._trigger.concurrency

    def settle(self, sequence: int) -> None:
        """Take note of a delivery that succeeded."""
        self._in_row = 0
        self.attempts.settle(sequence)

    def retry_delay(self, info: MessageInfo) -> float:
        """Return the delay after a failure on our own side.

        It is within a minute, even if the delivery spec leaves days between attempts: the log's age is limited.
        """
        return min(self._delivery.retries.delay(info.delivered), _MAX_OWN_DELAY)

    async def handle_failed_delivery(self, error: DeliveryError, event: Event, info: MessageInfo) -> float | None:
        """Retry or dead-letter an event that the subscriber did not accept. Raises nats.errors.Error."""
        self._in_row = self._in_row + 1 if error.retried else 0
        about = log_fields(self._trigger.name, info, str(error), event)
        if (delay := self._next_attempt(info, error)) is not None:
            _log.warning("delivery failed; retry scheduled", extra={**about, "seconds": delay})
            self._metrics.retried.inc()
            tracing.note_retry(delay)
            return delay
        tracing.note_dead_letter()
        _log.error("delivery failed for the last time; dead-lettering the event", extra=about)
        return await self.dead_letter(event, info, self.attempts.give_up(info.sequence, error))

    def _next_attempt(self, info: MessageInfo, error: DeliveryError) -> float | None:
        """Count the failure. An attempt that would come after the log's age limit would lose the event."""
        policy, failures = self._delivery.retries, self.attempts.fail(info.sequence, str(error))
        delay = policy.delay(failures, error.min_delay)
        is_too_late = time.time() + delay > info.timestamp + _LAST_ATTEMPT
        return delay if error.retried and failures <= policy.retry and not is_too_late else None

    async def dead_letter(self, event: Event, info: MessageInfo, reason: DeadLetterReason) -> float | None:
        """Deliver to the dead letter sink by the same policy; without one, or if it fails, store with the Broker's.

        Between attempts the message waits in JetStream as for the subscriber, so that a sink that is down delays no
        other event. Once the attempts are forgotten, as by a restart, it begins with the subscriber again. Raises
        nats.errors.Error.
        """
        letter = with_error(event, self._trigger.subscriber.redacted, reason.code, reason.body)
        text, sink = reason.reason, self._delivery.dead_letter_sink
        try:
            if sink is None:
                await self._dead_letters.add(self._trigger.name, letter, text, info)
            else:
                headers = {"Kn-Namespace": self._trigger.namespace}  # as Knative's own Broker sends it
                with tracing.sink(sink.redacted, letter):
                    await self._subscribers.deliver(letter, sink, _SINK_TIMEOUT, headers)
        except DeliveryError as error:
            text = f"{text}; dead letter sink: {error}"
            if (delay := self._next_attempt(info, error)) is not None:
                about = log_fields(self._trigger.name, info, text, event)
                _log.warning("delivery to the dead letter sink failed; retry scheduled", extra=about)
                return delay
            await self._dead_letters.add(self._trigger.name, letter, text, info)
        self.attempts.settle(info.sequence)
        self._metrics.dead_lettered.inc()
        return None

    async def dead_letter_malformed(self, message: Msg, info: MessageInfo, error: MalformedEventError) -> None:
        """Store a message that is not an event with the Broker's dead letters. Raises nats.errors.Error."""
        about = log_fields(self._trigger.name, info, str(error))
        _log.error("message is not a valid CloudEvent; it is dead-lettered", extra=about)
        name, headers = self._trigger.name, message.headers or {}
        await self._dead_letters.add_malformed(name, headers, message.data, str(error), info)
        self._metrics.dead_lettered.inc()


def log_fields(trigger: str, info: MessageInfo, reason: str, event: Event | None = None) -> dict[str, object]:
    """Return the fields of a log line about an event, or about a message that is none."""
    about = {"trigger": trigger, "sequence": info.sequence, "attempt": info.delivered, "reason": reason}
    if event is None:
        return about
    return about | {"event": event["id"], "type": event["type"], "trace": _trace_id(event)}


def _trace_id(event: Event) -> str | None:
    """Return the trace id of an event's `traceparent` (W3C Trace Context), as functions log it."""
    version, _, rest = (event.get("traceparent") or "").partition("-")
    return rest.partition("-")[0] if version == "00" else None
