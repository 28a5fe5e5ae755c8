"""Events that subscribers answer with: into the log, or into the schedules until they are due."""

from dataclasses import dataclass

from events.broker.model import Broker, Trigger
from events.broker.nats_binding import Origin, parse
from events.broker.scheduling import schedule
from events.cloudevents import ttl
from events.cloudevents.event import Event, MalformedEventError, identity
from events.dispatcher.subscriber import Answer, DeliveryError
from events.runtime.publisher import LARGEST_EVENT, MessageRejectedError, Publisher

_ACCEPTED = 202
_BAD_GATEWAY = 502
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Parent:
    """What a reply needs to know of the event that it answers; `hops` as `events.cloudevents.ttl` counts them."""

    origin: Origin
    hops: int | None


class Replies:
    """Stores the replies of one Trigger's subscriber."""

    def __init__(self, publisher: Publisher, trigger: Trigger, broker: Broker) -> None:
        self._publisher = publisher
        self._trigger = trigger
        self._broker = broker

    async def store(self, answer: Answer, parent: Parent) -> None:
        """Store the event that an answer is, if it is one.

        Raises DeliveryError if it is neither an event nor empty: Knative's own Broker takes that for a failure too,
        since a reply would be lost otherwise. What comes with a 202 is no reply (data-plane.md, "Derived (Reply)
        Events"). Raises nats.errors.Error if JetStream does not take it now.
        """
        if answer.status == _ACCEPTED:
            return
        try:
            event = _event(answer)
            if event is not None:
                await self._store(event, parent)
        except (MalformedEventError, MessageRejectedError) as error:
            raise DeliveryError(f"reply: {error}", retried=True, code=_BAD_GATEWAY, body=answer.body) from error
        except ttl.ExhaustedError as error:
            raise DeliveryError(f"reply: {error}", retried=False, code=_BAD_REQUEST, body=answer.body) from error

    async def _store(self, event: Event, parent: Parent) -> None:
        """A reply may carry its parent's id and source, so what makes it unique is the delivery that it answers.

        The key has a part more than that of an event from elsewhere, so that nobody can take its place beforehand.
        """
        self._check_source(event)
        ttl.pop_ttl(event)
        ttl.decrement(event, ttl.MOST if parent.hops is None else parent.hops)
        key = identity("reply", self._trigger.name, str(parent.origin.sequence))
        message = schedule(event, self._broker.stream_names, key)
        await self._publisher.store(message.subject, message.headers, message.data, LARGEST_EVENT)

    def _check_source(self, event: Event) -> None:
        """Only functions named `<service>-…` speak for a service under a reserved prefix."""
        source = event["source"]
        for prefix in self._broker.reserved_sources:
            service = source.removeprefix(prefix)
            if service != source and not self._trigger.subscriber.name.startswith(f"{service}-"):
                raise DeliveryError(f"{self._trigger.subscriber.name} may not speak for {source}", retried=False)


def _event(answer: Answer) -> Event | None:
    event = parse(answer.headers, answer.body)
    if event is None and answer.body:
        raise MalformedEventError("neither empty nor a CloudEvent")
    return event
