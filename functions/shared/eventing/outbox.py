"""The outbox: an event is stored in the transaction of the change that it tells of; the relay publishes it.

Row: `{_id, event: {<CloudEvents attributes>, data}}`. Rows stay a week, so that they can be published again.
"""

import msgspec
from bson import ObjectId

from events.catalogue import Event
from functions.shared.storage.transaction import Transaction
from functions.shared.web.cloudevent import attributes


def add(event: Event, transaction: Transaction) -> None:
    """Store `event` as part of the transaction."""
    row = ObjectId()
    stored = {**attributes(event, str(row)), "data": msgspec.to_builtins(event)}
    transaction.insert("outbox", {"_id": row, "event": stored})
