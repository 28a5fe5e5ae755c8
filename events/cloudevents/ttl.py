"""The Broker TTL: how many more replies may follow from an event, Knative's guard against loops of replies.

Rules: knative/eventing pkg/broker/ttl.go. It travels with an event through the Broker and is not delivered; a reply has
its parent's, less one.
"""

from contextlib import suppress

from events.cloudevents.attributes import PREFIX
from events.cloudevents.event import Event

MOST = 255

_HEADER = PREFIX + "knativebrokerttl"


class ExhaustedError(Exception):
    """An event has no TTL left."""


def pop_ttl(event: Event) -> int | None:
    """Remove the TTL from an event and return it; None if it has none."""
    text = event.headers.pop(_HEADER, None)
    if text is None:
        return None
    with suppress(ValueError):
        return min(int(text), MOST)
    return None


def decrement(event: Event, count: int | None) -> None:
    """Give an event the TTL `count` less one; without a count it is a new event. Raises ExhaustedError."""
    if count is None:
        return
    if count <= 1:
        raise ExhaustedError("the Broker TTL is exhausted; subscribers may reply to each other in a loop")
    event.headers[_HEADER] = str(count - 1)
