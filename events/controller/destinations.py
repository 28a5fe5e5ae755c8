"""Destinations of Brokers and Triggers, each resolved once, with the condition that reports it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from events.broker import manifest
from events.broker.destinations import Resolve, UnresolvedError, destination
from events.broker.model import Destination
from events.controller import kinds
from events.controller.conditions import Condition
from events.controller.kinds import Object
from events.controller.references import PendingError

SINK = "DeadLetterSinkResolved"

_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Resolution:
    """A destination with its condition; None if it could not be resolved.

    A URL of a scheme that events cannot be delivered to is resolved, and its condition is False: what a Trigger sends
    there is dead-lettered.
    """

    condition: Condition
    destination: Destination | None = None

    @property
    def url(self) -> str | None:
        """The URL, None if there is none."""
        return self.destination.url if self.destination else None

    @property
    def usable(self) -> Destination | None:
        """The destination if events can be delivered there."""
        return self.destination if self.condition.status == "True" else None


def subscriber(item: Object, resolve: Resolve) -> Resolution:
    """Resolve a Trigger's subscriber."""
    return _resolve(kinds.spec(item).get("subscriber"), manifest.namespace(item), "SubscriberResolved", resolve)


def sink(item: Object, resolve: Resolve) -> Resolution:
    """Resolve the dead letter sink of an object's own delivery spec; without one, dead letters stay in JetStream."""
    delivery = kinds.spec(item).get("delivery") or {}
    if not delivery.get("deadLetterSink"):
        message = "Dead letters are stored in the Broker's dead letter stream."
        return Resolution(Condition.true(SINK, "DeadLetterSinkNotConfigured", message))
    return _resolve(delivery["deadLetterSink"], manifest.namespace(item), SINK, resolve)


def _resolve(spec: Mapping[str, Any] | None, home: str, condition: str, resolve: Resolve) -> Resolution:
    try:
        found = destination(spec or {}, home, resolve)
        scheme = urlsplit(found.url).scheme
    except PendingError as error:
        return Resolution(Condition.pending(condition, str(error)))
    except UnresolvedError as error:
        return Resolution(Condition.false(condition, error.reason, str(error)))
    except manifest.SPEC_ERRORS as error:
        return Resolution(Condition.false(condition, "InvalidReference", f"The destination is malformed: {error!r}"))
    if scheme not in _SCHEMES:
        message = f"Events cannot be delivered to {scheme!r} URLs, only to http and https."
        return Resolution(Condition.false(condition, "UnsupportedScheme", message), found)
    return Resolution(Condition.true(condition), found)
