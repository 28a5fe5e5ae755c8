"""How many times more an event may be answered with another: Knative's guard against loops of replies.

Rules: knative/eventing pkg/broker/ttl.go. The count travels with an event through the Broker and is no subscriber's
business: a delivery goes without it, and a reply has its parent's, less one.
"""

from contextlib import suppress

from events.cloudevents.event import PREFIX, Event

MOST = 255

_HEADER = PREFIX + "knativebrokerttl"


class ExhaustedError(Exception):
    """An event that has gone round too often."""


def pop_ttl(event: Event) -> int | None:
    """Take the count off an event; None if it has none."""
    text = event.headers.pop(_HEADER, None)
    if text is None:
        return None
    with suppress(ValueError):
        return min(int(text), MOST)
    return None


def decrement(event: Event, count: int | None) -> None:
    """Let an event go on with one hop less than `count`; without a count it is a new one. Raises ExhaustedError."""
    if count is None:
        return
    if count <= 1:
        raise ExhaustedError("it has been answered with another event too often, in a loop perhaps")
    event.headers[_HEADER] = str(count - 1)
