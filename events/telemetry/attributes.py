"""Attributes of spans, by OpenTelemetry's conventions for CloudEvents and messaging and as Knative's Brokers set them.

https://opentelemetry.io/docs/specs/semconv/cloudevents/cloudevents-spans/,
https://github.com/knative/eventing/blob/main/pkg/observability/key.go
"""

from collections.abc import Mapping

from events.cloudevents.attributes import PREFIX, decode_value
from events.cloudevents.event import Event
from events.telemetry.spans import Attributes

EVENT_ID, EVENT_SOURCE = "cloudevents.event_id", "cloudevents.event_source"
EVENT_TYPE, EVENT_SUBJECT = "cloudevents.event_type", "cloudevents.event_subject"
NOT_BEFORE = "ticketing.event.notbefore"  # no convention has a word for a delayed event

_NAMES = {
    EVENT_ID: "id",
    EVENT_SOURCE: "source",
    EVENT_TYPE: "type",
    EVENT_SUBJECT: "subject",
    "cloudevents.event_spec_version": "specversion",
    NOT_BEFORE: "notbefore",
}


def of_event(event: Event) -> Attributes:
    """Return the attributes that say which event a span is about."""
    return of_headers(event.headers)


def of_headers(headers: Mapping[str, str]) -> Attributes:
    """Return the same of the headers of a NATS message that carries an event in binary mode."""
    found = {name: headers.get(PREFIX + attribute) for name, attribute in _NAMES.items()}
    return {name: decode_value(value) for name, value in found.items() if value}


def of_message(destination: str, operation: str) -> Attributes:
    """Return the attributes of a message to or from a Broker: `destination` is the Broker, the Trigger or a sink."""
    return {
        "messaging.system": "knative",
        "messaging.destination.name": destination,
        "messaging.operation.name": operation,
    }
