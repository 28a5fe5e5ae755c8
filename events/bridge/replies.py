"""Events that subscribers answer with: into the log, or into the schedules until they are due."""

from datetime import UTC, datetime

from events.bridge.resources import Broker, Trigger
from events.bridge.subscriber import Answer, DeliveryError
from events.cloudevent import Event, MalformedEventError, identity
from events.jetstream import Publisher, RefusedError
from events.nats_binding import Origin, parse

_ACCEPTED = 202
_BAD_GATEWAY = 502
_TIME_TO_LIVE = "168h"


class Replies:
    """Stores the replies of one Trigger's subscriber."""

    def __init__(self, publisher: Publisher, trigger: Trigger, broker: Broker) -> None:
        self._publisher = publisher
        self._trigger = trigger
        self._broker = broker
        self._layout = broker.layout

    async def store(self, answer: Answer, parent: Origin) -> None:
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
        except (MalformedEventError, RefusedError) as error:
            raise DeliveryError(f"reply: {error}", retried=True, code=_BAD_GATEWAY, body=answer.body) from error

    async def _store(self, event: Event, parent: Origin) -> None:
        """A reply may carry its parent's id and source, so what makes it unique is the delivery that it answers."""
        self._check_source(event)
        key = identity(self._trigger.name, str(parent.sequence))
        headers = event.message_headers() | {"Nats-Msg-Id": key}
        not_before = event.get("notbefore")
        if not_before is None or (due := _instant(not_before)) <= datetime.now(UTC):
            await self._publisher.store(self._layout.event(event["type"]), headers, event.data)
            return
        headers |= {
            "Nats-Schedule": f"@at {due.isoformat()}",
            "Nats-Schedule-Target": self._layout.due(event["type"]),
            "Nats-Schedule-TTL": _TIME_TO_LIVE,
        }
        await self._publisher.store(self._layout.scheduled(key), headers, event.data)

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


def _instant(text: str) -> datetime:
    """An RFC 3339 timestamp in UTC."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedEventError("notbefore is no timestamp") from error
    raise MalformedEventError("notbefore has no time zone")
