"""Where tickets are kept (collection `tickets`), and what is known of the orders for them (`reservations`).

Every change is one transaction with the event that tells of it.
"""

from collections.abc import Callable

from bson import ObjectId
from pymongo import ASCENDING, IndexModel

from events.catalogue import Event
from functions.shared import outbox
from functions.shared.database import Document, Documents, Session, ensure_indexes, transaction
from functions.shared.errors import NotFound
from functions.shared.pagination import Page
from functions.tickets.domain import Ticket

INDEXES = {
    "tickets": [IndexModel([("orderId", ASCENDING), ("_id", ASCENDING)])],
    "reservations": [IndexModel("ticketId")],
    **outbox.INDEXES,
}


def add(ticket: Ticket, event: Event) -> None:
    """Store a new ticket."""

    def work(session: Session) -> None:
        collections()["tickets"].insert_one(_to_row(ticket), session=session)
        outbox.add(event, session)

    transaction(work)


def find(ticket_id: str, session: Session | None = None) -> Ticket | None:
    """The ticket, as the session sees it."""
    row = collections()["tickets"].find_one({"_id": ObjectId(ticket_id)}, session=session)
    return _from_row(row) if row else None


def on_sale(page: Page) -> list[Ticket]:
    """A page of the tickets that nobody has reserved, and one more if there are more."""
    query: Document = {"orderId": None}
    if page.after:
        query["_id"] = {"$gt": ObjectId(page.after)}
    rows = collections()["tickets"].find(query).sort("_id").limit(page.limit + 1)
    return [_from_row(row) for row in rows]


def update(ticket_id: str, change: Callable[[Ticket], tuple[Ticket, Event]]) -> Ticket:
    """Store what `change` makes of the ticket; `change` may refuse by raising.

    Raises:
        NotFound: there is no such ticket.
    """

    def work(session: Session) -> Ticket:
        changed, event = change(_existing(ticket_id, session))
        save(changed, session)
        outbox.add(event, session)
        return changed

    return transaction(work)


def delete(ticket_id: str, change: Callable[[Ticket], Event]) -> None:
    """Delete the ticket; `change` gives the event that tells of it, or refuses by raising.

    Raises:
        NotFound: there is no such ticket.
    """

    def work(session: Session) -> None:
        outbox.add(change(_existing(ticket_id, session)), session)
        collections()["tickets"].delete_one({"_id": ObjectId(ticket_id)}, session=session)

    transaction(work)


def save(ticket: Ticket, session: Session) -> None:
    """Write the ticket's row anew, even if nothing in it is new: only a real write meets a concurrent one."""
    row = _to_row(ticket)
    gone = {} if ticket.order_id else {"$unset": {"orderId": ""}}
    change = {"$set": row, "$inc": {"writes": 1}} | gone
    collections()["tickets"].update_one({"_id": row.pop("_id")}, change, session=session)


def collections() -> Documents:
    """The database of tickets, its indexes in place."""
    return ensure_indexes(INDEXES)


def _existing(ticket_id: str, session: Session) -> Ticket:
    if (ticket := find(ticket_id, session)) is None:
        raise NotFound
    return ticket


def _to_row(ticket: Ticket) -> Document:
    row: Document = {
        "_id": ObjectId(ticket.id),
        "userId": ticket.user_id,
        "title": ticket.title,
        "priceCents": ticket.price,
        "version": ticket.version,
    }
    return row | ({"orderId": ticket.order_id} if ticket.order_id else {})


def _from_row(row: Document) -> Ticket:
    return Ticket(
        id=str(row["_id"]),
        user_id=row["userId"],
        title=row["title"],
        price=row["priceCents"],
        version=row["version"],
        order_id=row.get("orderId"),
    )
