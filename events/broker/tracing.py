"""The spans of a Broker: events that come in, by the ingress, a relay or a reply, and attempts to deliver them.

They are named as those of Knative's own Brokers (knative/eventing, pkg/tracing). The messages of JetStream pass the
trace on in the header `traceparent`, as HTTP does; an event's attribute of that name stays as its producer set it.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager

from nats.aio.msg import Msg

from events.broker.model import Route
from events.broker.nats_binding import MessageInfo
from events.broker.subjects import StreamNames
from events.cloudevents.event import Event
from events.telemetry import spans
from events.telemetry.attributes import of_event, of_message
from events.telemetry.spans import Attributes, Kind, Span

# No convention has words for these: how often an event was delivered, its place in the log, what follows a failure.
ATTEMPT, SEQUENCE = "ticketing.delivery.attempt", "ticketing.log.sequence"
RETRY_SECONDS, DEAD_LETTERED = "ticketing.delivery.retry_seconds", "ticketing.delivery.dead_lettered"


def publish(names: StreamNames, event: Event, *, replayed: bool = False) -> AbstractContextManager[Span]:
    """Make the block the step that puts an outbox row into a Broker: below the one that made it, unless replayed."""
    made = _valid(event.get(spans.HEADER))
    parent, link = ("", made) if replayed else (made, "")
    return spans.span(_broker(names), Kind.PRODUCER, lambda: _publishing(names, event), parent=parent, link=link)


def reply(names: StreamNames, event: Event) -> AbstractContextManager[Span]:
    """Make the block the step that puts a reply into a Broker, below the delivery that it responds to."""
    return spans.span(_broker(names), Kind.PRODUCER, lambda: _publishing(names, event))


def receive(names: StreamNames | None, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
    """Make the block the step that handles a request to the ingress; `names` is None for a Broker that is not there."""
    parent = _valid(headers.get(spans.HEADER)) or _valid(headers.get(f"ce-{spans.HEADER}"))
    name = _broker(names) if names else "POST"  # clients must not make up names
    return spans.span(name, Kind.SERVER, lambda: _receiving(names), parent=parent)


def attempt(route: Route, message: Msg, event: Event, info: MessageInfo) -> AbstractContextManager[Span]:
    """Make the block one attempt to deliver an event, below the step that put it into the Broker.

    A delayed event and a replayed dead letter begin a trace of their own that is linked to that step: it lies a while
    back.
    """
    before = _valid((message.headers or {}).get(spans.HEADER)) or _valid(event.get(spans.HEADER))
    replay = route.broker.stream_names.replay(route.trigger.name)
    is_late = event.get("notbefore") is not None or message.subject == replay
    parent, link = ("", before) if is_late else (before, "")
    trigger = route.trigger
    name = f"trigger:{trigger.name}.{trigger.namespace}"
    return spans.span(name, Kind.CLIENT, lambda: _attempting(name, route, event, info), parent=parent, link=link)


def sink(address: str, event: Event) -> AbstractContextManager[Span]:
    """Make the block one attempt to deliver an event to a dead letter sink."""
    return spans.span(f"send {address}", Kind.CLIENT, lambda: {**of_event(event), **of_message(address, "send")})


def note_retry(seconds: float) -> None:
    """Note on the span of an attempt in how many seconds the next one follows."""
    spans.annotate(lambda: {RETRY_SECONDS: seconds})


def note_dead_letter() -> None:
    """Note on the span of an attempt that none follows."""
    spans.annotate(lambda: {DEAD_LETTERED: True})


def _valid(traceparent: str | None) -> str:
    return traceparent if traceparent is not None and spans.is_valid(traceparent) else ""


def _broker(names: StreamNames) -> str:
    return f"broker:{names.broker}.{names.namespace}"


def _of_broker(names: StreamNames) -> Attributes:
    return {"kn.broker.name": names.broker, "kn.broker.namespace": names.namespace}


def _publishing(names: StreamNames, event: Event) -> Attributes:
    return {**of_event(event), **of_message(_broker(names), "publish"), **_of_broker(names)}


def _receiving(names: StreamNames | None) -> Attributes:
    request = {"http.request.method": "POST"}
    return {**request, **of_message(_broker(names), "publish"), **_of_broker(names)} if names else request


def _attempting(name: str, route: Route, event: Event, info: MessageInfo) -> Attributes:
    of_attempt: Attributes = {
        ATTEMPT: info.delivered,
        SEQUENCE: info.sequence,
        "http.request.method": "POST",
        "url.full": route.trigger.subscriber.redacted,
    }
    return {**of_event(event), **of_message(name, "send"), **_of_broker(route.broker.stream_names), **of_attempt}
