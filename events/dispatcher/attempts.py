"""Failed deliveries of one Trigger, counted by the event's sequence in the log.

JetStream counts how often it delivered a message to a bridge, which is not how often the subscriber failed: a full log,
a lost connection, a killed or draining bridge count there too. So failures are counted here, in memory. A restart, or
an edit of the Trigger, forgets them, and replicas do not share them: an event may be tried more often than `retry`
says, which the specification defines as the least (control-plane.md, DeliverySpec), and never less often.
"""

from dataclasses import dataclass

from events.dispatcher.subscriber import DeliveryError

_MOST = 40_000  # events, twice as many as a consumer delivers without an acknowledgement
_MAX_BODY = 1024  # bytes, more than a dead letter keeps


@dataclass(frozen=True, slots=True)
class DeadLetterReason:
    """Why an event is dead-lettered, and the status and body of the subscriber's last response, if there was one."""

    reason: str
    code: int | None
    body: bytes


@dataclass(slots=True)
class _Record:
    failures: int = 0
    error: str = ""
    reason: DeadLetterReason | None = None


class Attempts:
    """The failed events of one Trigger; the oldest records are dropped when there are too many."""

    def __init__(self) -> None:
        self._records: dict[int, _Record] = {}

    def failures(self, sequence: int) -> int:
        """Return how often an event has failed."""
        record = self._records.get(sequence)
        return record.failures if record else 0

    def resume(self, sequence: int, failures: int) -> None:
        """Count on from the failures of an event that another process, or an earlier one, has counted."""
        if failures and sequence not in self._records:
            self._records[sequence] = _Record(failures)

    def last_error(self, sequence: int) -> str:
        """Return why the last attempt failed, "" if that is not known."""
        record = self._records.get(sequence)
        return record.error if record else ""

    def fail(self, sequence: int, error: str) -> int:
        """Count one more failure of an event and return how many there are."""
        record = self._records.pop(sequence, None) or _Record()
        record.failures += 1
        record.error = error
        self._records[sequence] = record
        if len(self._records) > _MOST:
            del self._records[next(iter(self._records))]
        return record.failures

    def give_up(self, sequence: int, error: DeliveryError) -> DeadLetterReason:
        """Record that an event is to be dead-lettered. Failures count from 0 again, those of the dead letter sink."""
        reason = DeadLetterReason(str(error), error.code, error.body[:_MAX_BODY])
        self._records[sequence] = _Record(reason=reason)
        return reason

    def reason(self, sequence: int) -> DeadLetterReason | None:
        """Return why an event is to be dead-lettered, None if it is still to be delivered."""
        record = self._records.get(sequence)
        return record.reason if record else None

    def settle(self, sequence: int) -> None:
        """Forget an event that is delivered or stored elsewhere."""
        self._records.pop(sequence, None)
