"""Rows that are needed for a while only: they end a month after they are final.

A final row stays to reject late events of its aggregate, which are older than the one that made it final. None comes
as late as that: the log and the replays of an outbox reach back a week, a delivery is retried for a day, and dead
letters end after two weeks; see docs/decisions/0025-ends-of-rows.md. `finalAt` is when the row became final.
"""

from datetime import timedelta

from pymongo import IndexModel

from functions.shared.clock import now
from functions.shared.storage.database import Document, Documents

RETENTION = timedelta(days=30)
# The database deletes a row by it, within minutes; one without `finalAt` stays.
FINAL_ROWS_END = IndexModel(
    "finalAt", name="final_rows_end", sparse=True, expireAfterSeconds=int(RETENTION.total_seconds())
)


def mark_final(db: Documents, collection: str, query: Document) -> int:
    """Let final rows of an earlier shape end a month from now; return how many they are."""
    unmarked = {**query, "finalAt": {"$exists": False}}
    return db[collection].update_many(unmarked, {"$set": {"finalAt": now()}}).modified_count
