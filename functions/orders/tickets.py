"""The tickets that orders knows: collection `tickets`, a replica of the tickets service's.

Title, price and `deleted` become equal to their source's. `version` is that of the last change of one of these, so it
is lower than the source's while later versions changed the reservation only.
"""

from datetime import datetime
from typing import NotRequired, TypedDict

from bson import ObjectId
from pymongo.collection import Collection

from functions.orders.domain import Ticket
from functions.shared.clock import now
from functions.shared.storage.database import collection, database, keep_newest
from functions.shared.storage.retention import FINAL_ROWS_END

INDEXES = {"tickets": [FINAL_ROWS_END]}


class TicketRow(TypedDict):
    """A ticket in the highest version seen.

    A deleted one keeps `_id` and `version` only, and `deleted` is true. From `finalAt` on, when it was deleted, it ends
    as functions/shared/storage/retention.py says.
    """

    _id: NotRequired[ObjectId]  # not in what is written: the query of the write has it
    version: int
    title: NotRequired[str]
    priceCents: NotRequired[int]
    deleted: NotRequired[bool]
    finalAt: NotRequired[datetime]


def find(ticket_id: str) -> Ticket | None:
    """Return the ticket in the highest version seen, also a deleted one; None if it is not known."""
    row = _tickets().find_one({"_id": ObjectId(ticket_id)})
    return _from_row(row) if row else None


def replicate(ticket: Ticket) -> None:
    """Store this version unless the same or a later one is known."""
    keep_newest("tickets", ticket.id, _to_row(ticket))


def _tickets() -> Collection[TicketRow]:
    return collection(database(), "tickets", TicketRow)


def _to_row(ticket: Ticket) -> TicketRow:
    if ticket.deleted:
        return {"version": ticket.version, "deleted": True, "finalAt": now()}
    return {"version": ticket.version, "title": ticket.title, "priceCents": ticket.price}


def _from_row(row: TicketRow) -> Ticket:
    return Ticket(
        id=str(row["_id"]),
        version=row["version"],
        title=row.get("title", ""),
        price=row.get("priceCents", 0),
        deleted=row.get("deleted", False),
    )
