"""How often a worker could not deliver an event, by the event's sequence in the log.

JetStream counts how often it handed a message out, which is not how often the subscriber failed: a full log, a lost
connection, a killed or draining bridge count there too. So failures are counted here, in memory. A restart, or an edit
of the Trigger, forgets them, and what another replica saw is not known here: an event may be tried more often than
`retry` says, which the specification has as the least (control-plane.md, DeliverySpec), and never less often.
"""

_MOST = 40_000  # events, twice as many as a consumer hands out without an acknowledgement


class Attempts:
    """The events of one Trigger that failed, those of the longest past forgotten when they are too many."""

    def __init__(self) -> None:
        self._failures: dict[int, int] = {}

    def fail(self, sequence: int) -> int:
        """Count one more failure; how many that makes."""
        failures = self._failures.pop(sequence, 0) + 1
        self._failures[sequence] = failures
        if len(self._failures) > _MOST:
            del self._failures[next(iter(self._failures))]
        return failures

    def settle(self, sequence: int) -> None:
        """Forget an event that is delivered or kept elsewhere."""
        self._failures.pop(sequence, None)
