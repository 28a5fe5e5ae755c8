"""Where tickets are kept (collection `tickets`), and what is known of the orders for them (`reservations`).

Every change is one transaction with the event that tells of it.
"""

from collections.abc import Callable

from bson import ObjectId
from pymongo import ASCENDING, IndexModel

from events.catalogue import Event
from functions.shared.errors import NotFound
from functions.shared.eventing import outbox
from functions.shared.storage.database import Document, Documents, ensure_indexes
from functions.shared.storage.transaction import Transaction, transaction
from functions.shared.web import idempotency
from functions.shared.web.http import Answer
from functions.shared.web.pagination import Page
from functions.tickets.domain import Ticket

INDEXES = {
    "tickets": [IndexModel([("orderId", ASCENDING), ("_id", ASCENDING)])],
    "reservations": [IndexModel([("ticketId", ASCENDING), ("live", ASCENDING)])],
}


def add(ticket: Ticket, event: Event, answer: Answer) -> None:
    """Store a new ticket, and with it the answer to whoever asked for it."""

    def work(storing: Transaction) -> None:
        idempotency.keep(answer, storing)
        storing.insert("tickets", _to_row(ticket))
        outbox.add(event, storing)

    transaction(collections(), work)


def find(ticket_id: str, within: Transaction | None = None) -> Ticket | None:
    """The ticket, as the transaction sees it."""
    row = collections()["tickets"].find_one({"_id": ObjectId(ticket_id)}, session=within and within.session)
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

    def work(updating: Transaction) -> Ticket:
        changed, event = change(_existing(ticket_id, updating))
        save(changed, updating)
        outbox.add(event, updating)
        return changed

    return transaction(collections(), work)


def delete(ticket_id: str, change: Callable[[Ticket], Event]) -> None:
    """Delete the ticket; `change` gives the event that tells of it, or refuses by raising.

    Raises:
        NotFound: there is no such ticket.
    """

    def work(deleting: Transaction) -> None:
        outbox.add(change(_existing(ticket_id, deleting)), deleting)
        deleting.delete("tickets", ticket_id)

    transaction(collections(), work)


def save(ticket: Ticket, transaction: Transaction) -> None:
    """Write the ticket's row anew, even if nothing in it is new: only a real write meets a concurrent one."""
    row = {name: value for name, value in _to_row(ticket).items() if name != "_id"}
    gone = {} if ticket.order_id else {"$unset": {"orderId": ""}}
    transaction.update("tickets", ticket.id, {"$set": row, "$inc": {"writes": 1}} | gone)


def collections() -> Documents:
    """The database of tickets, its indexes in place."""
    return ensure_indexes(INDEXES)


def _existing(ticket_id: str, within: Transaction) -> Ticket:
    if (ticket := find(ticket_id, within)) is None:
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
