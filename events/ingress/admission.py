"""What the ingress accepts: a valid CloudEvent, whose source this Broker does not reserve.

Rules: CloudEvents HTTP binding 1.0, section 3; knative/specs data-plane.md, "Ingress".
"""

from collections.abc import Mapping
from http import HTTPStatus

from events.broker.model import Broker
from events.broker.reserved_sources import reserved_services
from events.broker.scheduling import StoredMessage, schedule
from events.cloudevents import ttl
from events.cloudevents.errors import MalformedEventError, UnsupportedMessageError
from events.cloudevents.event import Event, identity
from events.cloudevents.media_types import JSON_FORMAT
from events.cloudevents.messages import Headers, read_message


class RejectedError(Exception):
    """A request is rejected with an HTTP status and a reason."""

    def __init__(self, status: HTTPStatus, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = headers


def admit(headers: Headers, body: bytes, broker: Broker) -> StoredMessage:
    """Return the message that stores a request's event. Raises RejectedError."""
    try:
        event = _read(headers, body)
        if reserved_services(event["source"], broker.reserved_sources):
            raise RejectedError(HTTPStatus.FORBIDDEN, f"source {event['source']!r} is reserved by this Broker")
        ttl.decrement(event, ttl.pop_ttl(event))
        return schedule(event, broker.stream_names, identity(event["source"], event["id"]))
    except UnsupportedMessageError as error:
        accepted = {"Accept-Encoding": "identity"}  # RFC 9110, 15.5.16
        raise RejectedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error), accepted) from error
    except (MalformedEventError, ttl.ExhaustedError) as error:
        raise RejectedError(HTTPStatus.BAD_REQUEST, f"invalid CloudEvent: {error}") from error


def _read(headers: Headers, body: bytes) -> Event:
    event = read_message(headers, body)
    if event is None:
        raise MalformedEventError(f"neither headers that begin with ce- nor content type {JSON_FORMAT}")
    return event
