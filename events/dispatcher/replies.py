"""Replies: events that subscribers respond with are stored in the log, or in the schedules until they are due."""

import logging
from dataclasses import dataclass

from events.broker import tracing
from events.broker.model import Broker, Trigger
from events.broker.nats_binding import MessageInfo
from events.broker.reserved_sources import reserved_services
from events.broker.scheduling import schedule
from events.cloudevents import ttl
from events.cloudevents.errors import MalformedEventError
from events.cloudevents.event import Event, identity
from events.cloudevents.messages import read_message
from events.dispatcher.subscriber import DeliveryError, Response
from events.runtime.publisher import MAX_EVENT, MessageRejectedError, Publisher
from events.telemetry import spans

_log = logging.getLogger(__name__)

_ACCEPTED = 202
_BAD_GATEWAY = 502
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Parent:
    """The event that a reply responds to: where it stands in the log, and its Broker TTL, None if it has none."""

    info: MessageInfo
    ttl: int | None


class Replies:
    """Stores the replies of one Trigger's subscriber."""

    def __init__(self, publisher: Publisher, trigger: Trigger, broker: Broker) -> None:
        self._publisher = publisher
        self._trigger = trigger
        self._broker = broker

    async def store(self, response: Response, parent: Parent) -> None:
        """Store the event that a response carries, if it carries one.

        Raises DeliveryError if it is neither an event nor empty: Knative's own Broker counts that as a failure too,
        since a reply would be lost otherwise. A 202 carries no reply (data-plane.md, "Derived (Reply) Events").
        Raises nats.errors.Error if JetStream cannot store it now.
        """
        if response.status == _ACCEPTED:
            return
        try:
            event = _event(response)
            if event is not None:
                await self._store(event, parent)
        except (MalformedEventError, MessageRejectedError) as error:
            raise DeliveryError(f"reply: {error}", retried=True, code=_BAD_GATEWAY, body=response.body) from error
        except ttl.ExhaustedError as error:
            raise DeliveryError(f"reply: {error}", retried=False, code=_BAD_REQUEST, body=response.body) from error

    async def _store(self, event: Event, parent: Parent) -> None:
        """Store a reply once for each message that it responds to: it may carry its parent's id and source.

        The message is known by its sequence and its time in the log, since a log that was lost or cut counts from a
        lower sequence again. The key has more parts than that of an event from elsewhere, so that no event can be
        stored in its place.
        """
        self._check_source(event)
        ttl.pop_ttl(event)
        ttl.decrement(event, ttl.MOST if parent.ttl is None else parent.ttl)
        info = parent.info
        key = identity("reply", self._trigger.name, str(info.sequence), str(info.timestamp))
        message = schedule(event, self._broker.stream_names, key)
        with tracing.reply(self._broker.stream_names, event):
            headers = message.headers | spans.outgoing()
            is_duplicate = await self._publisher.store(message.subject, headers, message.data, MAX_EVENT)
        if is_duplicate and info.delivered == 1:  # on a redelivery, the reply to the first delivery may be stored
            _log.error(
                "JetStream dropped a reply as a duplicate though its parent was delivered for the first time",
                extra={"trigger": self._trigger.name, "sequence": info.sequence, "event": event["id"]},
            )

    def _check_source(self, event: Event) -> None:
        """Raise DeliveryError for a reserved source, unless the subscriber is named `<service>-…` after it."""
        source, subscriber = event["source"], self._trigger.subscriber
        services = reserved_services(source, self._broker.reserved_sources)
        if not all(subscriber.name.startswith(f"{service}-") for service in services):
            reason = f"reply: source {source!r} is reserved by this Broker; {subscriber} must not use it"
            raise DeliveryError(reason, retried=False)


def _event(response: Response) -> Event | None:
    event = read_message(response.headers.items(), response.body)
    if event is None and response.body:
        raise MalformedEventError("neither empty nor a CloudEvent")
    return event
