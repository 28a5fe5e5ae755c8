"""The outbox: an event is stored in the transaction of the change that it tells of; the relay publishes it.

Row: `{_id, event: {<CloudEvents attributes>, data}, publishedAt?}`. Rows that are published stay a week, so that
they can be published again.
"""

import msgspec
from bson import ObjectId
from pymongo import IndexModel

from events.catalogue import Event
from functions.shared.cloudevent import attributes
from functions.shared.database import Session, database

KEEP_PUBLISHED_SECONDS = 7 * 24 * 3600

# Serves the relay's sweep for rows without publishedAt, and lets the published ones expire.
INDEXES = {"outbox": [IndexModel("publishedAt", expireAfterSeconds=KEEP_PUBLISHED_SECONDS)]}


def add(event: Event, session: Session) -> None:
    """Store `event` as part of the session's transaction."""
    row = ObjectId()
    stored = {**attributes(event, str(row)), "data": msgspec.to_builtins(event)}
    database()["outbox"].insert_one({"_id": row, "event": stored}, session=session)
