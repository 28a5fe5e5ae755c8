"""Recognise that JetStream lost messages: a stream was created again, or its last sequence went back.

Marks say how far a relay had published when it looked at the streams. What was committed since the newest mark that
JetStream still reaches is published again; without such a mark, everything in the outbox is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LOG, SCHEDULES = "log", "schedules"

_MAX_AGE = timedelta(days=7).total_seconds()


@dataclass(frozen=True, slots=True)
class StreamState:
    """When a stream was created, to the millisecond, and the sequence of its last message."""

    created: datetime
    last: int


StreamStates = Mapping[str, StreamState]  # by LOG and SCHEDULES, without a stream that is missing


@dataclass(frozen=True, slots=True)
class Mark:
    """All rows committed until `at` were published when the streams' last sequences were `last`."""

    at: datetime
    last: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Loss:
    """A stream that lost messages, and the mark before which it lost none; None if there is no such mark."""

    stream: str
    reason: str
    mark: Mark | None


def find_losses(created: Mapping[str, datetime], marks: Sequence[Mark], states: StreamStates) -> Iterator[Loss]:
    """Yield what streams have lost since they were created at `created`, as last seen, and marked, oldest first."""
    for stream, state in states.items():
        if created.get(stream, state.created) != state.created:
            yield Loss(stream, "it was created again", None)
        elif marks and marks[-1].last.get(stream, 0) > state.last:
            reason = f"its last sequence went back from {marks[-1].last[stream]} to {state.last}"
            yield Loss(stream, reason, _newest(marks, stream, state.last))


def _newest(marks: Sequence[Mark], stream: str, last: int) -> Mark | None:
    return next((mark for mark in reversed(marks) if stream in mark.last and mark.last[stream] <= last), None)


def append(marks: Sequence[Mark], newest: Mark) -> list[Mark]:
    """Return the marks with a new one, thinned out: one for each doubling of their age in seconds, up to a week."""
    kept: dict[int, Mark] = {}
    for mark in marks:
        age = (newest.at - mark.at).total_seconds()
        if age <= _MAX_AGE:
            kept.setdefault(int(age).bit_length(), mark)
    return [*kept.values(), newest]
