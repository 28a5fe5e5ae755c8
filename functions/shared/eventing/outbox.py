"""The outbox: an event is stored in the transaction of its change; the relay publishes it.

The relay deletes a row a week after publishing it, so that events can be published again.
"""

from typing import Any, TypedDict

import msgspec
from bson import ObjectId

from events.catalogue import Event
from functions.shared import trace
from functions.shared.envelope import attributes, described
from functions.shared.storage.transaction import Transaction


class OutboxRow(TypedDict):
    """An event to publish: `event` holds its CloudEvents attributes, and its data as `data`."""

    _id: ObjectId
    event: dict[str, Any]


def add(event: Event, transaction: Transaction, **extensions: str) -> None:
    """Store `event`, with extension attributes by which Triggers filter, as part of the transaction."""
    row_id = ObjectId()
    context = attributes(event, str(row_id))
    row: OutboxRow = {"_id": row_id, "event": {**context, **extensions, "data": msgspec.to_builtins(event)}}
    trace.annotate(lambda: described(context, event))
    transaction.insert("outbox", row)
