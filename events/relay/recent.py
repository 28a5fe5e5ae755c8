"""The rows that a relay has published lately, as far as a NATS server that stops may lose them."""

from datetime import datetime, timedelta

from bson import ObjectId

# A server that was started again may have lost what it had not written to disk, by default within two minutes, and
# other publishers may have filled its last sequences up before anyone looked. JetStream drops what it still has.
_OVERLAP = timedelta(minutes=2)


class RecentRows:
    """How old the ids of the rows are that were published in the last two minutes.

    A row is found by its id, which is older than its commit where the function's clock is slow.

    `until` is the commit time of the newest row that this process has published, None before the first.
    """

    def __init__(self) -> None:
        self.until: datetime | None = None
        self._oldest: dict[datetime, datetime] = {}  # id's time by commit time, both in whole seconds

    def add(self, row_id: object, committed: datetime) -> None:
        """Note a published row by its id and the time of its commit."""
        self.until = committed
        if isinstance(row_id, ObjectId):
            made = row_id.generation_time
            self._oldest[committed] = min(made, self._oldest.get(committed, made))
        for past in [one for one in self._oldest if one < committed - _OVERLAP]:
            del self._oldest[past]

    def since(self, at: datetime) -> datetime:
        """Return how old ids of rows may be that are lost, if those committed until `at` were published."""
        lost_from = at - _OVERLAP
        return min([lost_from, *(made for committed, made in self._oldest.items() if committed >= lost_from)])
