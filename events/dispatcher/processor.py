"""Processes a message for a Trigger: reads its event, filters it, delivers it and stores the reply."""

import time

from nats.aio.client import Client
from nats.aio.msg import Msg

from events.broker import tracing
from events.broker.consumers import filter_subjects
from events.broker.model import Route
from events.broker.nats_binding import MessageInfo, read
from events.broker.reserved_sources import reserved_services
from events.cloudevents import ttl
from events.cloudevents.errors import MalformedEventError
from events.cloudevents.event import Event
from events.dispatcher.failures import Failures
from events.dispatcher.replies import Parent, Replies
from events.dispatcher.subscriber import DeliveryError, Subscribers
from events.runtime.metrics import TriggerMetrics
from events.runtime.publisher import Publisher

_OTHER_FILTER_DELAY = 1.0  # seconds
_FAILED = 500  # what Knative's Brokers count where there was no response


class Processor:
    """Processes the messages of one Trigger."""

    def __init__(
        self, route: Route, connection: Client, subscribers: Subscribers, failures: Failures, metrics: TriggerMetrics
    ) -> None:
        trigger, broker = route.trigger, route.broker
        self._route = route
        self._trigger = trigger
        self._broker = broker
        self._delivery = trigger.delivery or broker.delivery
        self._headers = {"Kn-Namespace": trigger.namespace, "Prefer": "reply"}  # as Knative's own Broker sends them
        self._replay_subject = broker.stream_names.replay(trigger.name)
        self._subjects = None if trigger.filter.types is None else frozenset(filter_subjects(trigger, broker))
        self._subscribers = subscribers
        self._replies = Replies(Publisher(connection), trigger, broker)
        self._failures = failures
        self._metrics = metrics

    async def process(self, message: Msg, info: MessageInfo) -> float | None:
        """Return the seconds until the next attempt, None if the message is settled. Raises nats.errors.Error."""
        began = time.perf_counter()
        try:
            event = read(message, info, self._broker.stream_names)
            self._check_subject(event, message.subject)
        except MalformedEventError as error:
            await self._failures.dead_letter_malformed(message, info, error)
            return None
        parent = Parent(info, ttl.pop_ttl(event))
        reason = self._failures.attempts.reason(info.sequence)
        if reason is None and not self._is_wanted(message, event):
            return None if self._is_requested(message.subject) else _OTHER_FILTER_DELAY
        with tracing.attempt(self._route, message, event, info) as span:
            if reason is not None:
                return await self._failures.dead_letter(event, info, reason)
            self._metrics.knative.processed(event["type"], time.perf_counter() - began)
            try:
                await self._deliver(event, parent)
            except DeliveryError as error:
                span.fail(str(error.code or "no response"), str(error))
                return await self._failures.handle_failed_delivery(error, event, info)
        self._failures.settle(info.sequence)
        self._metrics.delivered.inc()
        self._metrics.latency.observe(max(0.0, time.time() - info.timestamp))
        return None

    def _is_wanted(self, message: Msg, event: Event) -> bool:
        return message.subject == self._replay_subject or self._trigger.filter.matches(event)

    def _is_requested(self, subject: str) -> bool:
        """Tell if our filter asks for a subject. Otherwise the Trigger was edited, and another replica knew first."""
        return self._subjects is None or subject in self._subjects

    def _check_subject(self, event: Event, subject: str) -> None:
        """Raise MalformedEventError unless a reserved source comes on its own type's subject.

        NATS permissions say by subject who may publish what.
        """
        if reserved_services(event["source"], self._broker.reserved_sources) and subject not in (
            self._replay_subject,
            self._broker.stream_names.event(event["type"]),
        ):
            raise MalformedEventError(f"an event of {event['source']} on a subject of another type")

    async def _deliver(self, event: Event, parent: Parent) -> None:
        began, delivery = time.perf_counter(), self._delivery
        status = _FAILED
        try:
            response = await self._subscribers.deliver(
                event, self._trigger.subscriber, delivery.timeout, self._headers, structured=delivery.structured
            )
            status = response.status
        except DeliveryError as error:
            status = error.code or _FAILED
            raise
        finally:
            seconds = time.perf_counter() - began
            self._metrics.answer_time.observe(seconds)
            self._metrics.knative.dispatched(event["type"], status, seconds)
        await self._replies.store(response, parent)
