"""The tickets that orders knows: collection `tickets`, a replica of the tickets service's."""

from bson import ObjectId

from functions.orders.domain import Ticket
from functions.shared.storage.database import Document, database, keep_newest


def find(ticket_id: str) -> Ticket | None:
    """The ticket in the highest version seen, deleted ones too."""
    row = database()["tickets"].find_one({"_id": ObjectId(ticket_id)})
    return _from_row(row) if row else None


def replicate(ticket: Ticket) -> None:
    """Keep this version unless the same or a later one is known."""
    keep_newest("tickets", ticket.id, _to_row(ticket))


def _to_row(ticket: Ticket) -> Document:
    if ticket.deleted:
        return {"version": ticket.version, "deleted": True}
    return {"version": ticket.version, "title": ticket.title, "priceCents": ticket.price}


def _from_row(row: Document) -> Ticket:
    return Ticket(
        id=str(row["_id"]),
        version=row["version"],
        title=row.get("title", ""),
        price=row.get("priceCents", 0),
        deleted=row.get("deleted", False),
    )
