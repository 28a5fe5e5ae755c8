"""What a worker knows of events that it could not deliver yet, by their sequence in the log.

JetStream counts how often it handed a message out, which is not how often the subscriber failed: a full log, a lost
connection, a killed or draining bridge count there too. So failures are counted here, in memory. A restart, or an edit
of the Trigger, forgets them, and what another replica saw is not known here: an event may be tried more often than
`retry` says, which the specification has as the least (control-plane.md, DeliverySpec), and never less often.
"""

from dataclasses import dataclass

from events.dispatcher.subscriber import DeliveryError

_MOST = 40_000  # events, twice as many as a consumer hands out without an acknowledgement
_LONGEST_BODY = 1024  # bytes, more than a dead letter tells


@dataclass(frozen=True, slots=True)
class DeadLetterReason:
    """Why an event is a dead letter: in words, and the subscriber's last answer, if there was one."""

    reason: str
    code: int | None
    body: bytes


@dataclass(slots=True)
class _Course:
    failures: int = 0
    verdict: DeadLetterReason | None = None


class Attempts:
    """The events of one Trigger that failed, those of the longest past forgotten when they are too many."""

    def __init__(self) -> None:
        self._courses: dict[int, _Course] = {}

    def fail(self, sequence: int) -> int:
        """Count one more failure; how many that makes."""
        course = self._courses.pop(sequence, None) or _Course()
        course.failures += 1
        self._courses[sequence] = course
        if len(self._courses) > _MOST:
            del self._courses[next(iter(self._courses))]
        return course.failures

    def give_up(self, sequence: int, error: DeliveryError) -> DeadLetterReason:
        """The event is a dead letter from now on; failures count from 0 again, those of the dead letter sink."""
        verdict = DeadLetterReason(str(error), error.code, error.body[:_LONGEST_BODY])
        self._courses[sequence] = _Course(verdict=verdict)
        return verdict

    def verdict(self, sequence: int) -> DeadLetterReason | None:
        """Why an event is a dead letter, None if it is none."""
        course = self._courses.get(sequence)
        return course.verdict if course else None

    def settle(self, sequence: int) -> None:
        """Forget an event that is delivered or kept elsewhere."""
        self._courses.pop(sequence, None)
