"""Where tickets are stored: collection `tickets`. Every change is one transaction with its event."""

from collections.abc import Callable
from typing import NotRequired, TypedDict

from bson import ObjectId
from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection

from events.catalogue import Event
from functions.shared.errors import NotFound
from functions.shared.eventing import outbox
from functions.shared.storage.database import collection, database
from functions.shared.storage.transaction import Step, Transaction, transaction
from functions.tickets.domain import Ticket
from functions.tickets.search import prefixes

# Lists are by age or by price. `prefixes` is an array, whose one value in a search stands before what orders the list.
_BY_AGE = [("_id", ASCENDING)]
_BY_PRICE = [("priceCents", ASCENDING), ("_id", ASCENDING)]
_SCOPES = [
    [("orderId", ASCENDING)],
    [("orderId", ASCENDING), ("prefixes", ASCENDING)],
    [("userId", ASCENDING)],
]
INDEXES = {"tickets": [IndexModel([*scope, *order]) for scope in _SCOPES for order in (_BY_AGE, _BY_PRICE)]}


class TicketRow(TypedDict):
    """A ticket; `orderId` is there while it is reserved, `writes` once its row was written by `save`.

    `prefixes` are what searches find it by, `sold` tells that the order is paid. Rows of version 0.1 have neither.
    """

    _id: ObjectId
    userId: str
    title: str
    priceCents: int
    version: int
    prefixes: NotRequired[list[str]]
    orderId: NotRequired[str]
    sold: NotRequired[bool]
    writes: NotRequired[int]


def add(ticket: Ticket, event: Event, also: Step) -> None:
    """Store a new ticket, and do `also` in the same transaction."""

    def work(adding: Transaction) -> None:
        also(adding)
        adding.insert("tickets", _to_row(ticket))
        outbox.add(event, adding)

    transaction(database(), work)


def find(ticket_id: str, within: Transaction | None = None) -> Ticket | None:
    """Return the ticket, as the transaction sees it; None if there is none."""
    row = _tickets().find_one({"_id": ObjectId(ticket_id)}, session=within and within.session)
    return from_row(row) if row else None


def update(ticket_id: str, change: Callable[[Ticket], tuple[Ticket, Event]]) -> Ticket:
    """Store the ticket and the event that `change` returns; `change` may refuse by raising.

    Raises:
        NotFound: there is no such ticket.
    """

    def work(updating: Transaction) -> Ticket:
        changed, event = change(_existing(ticket_id, updating))
        save(changed, updating)
        outbox.add(event, updating)
        return changed

    return transaction(database(), work)


def delete(ticket_id: str, change: Callable[[Ticket], Event]) -> None:
    """Delete the ticket, and store the event that `change` returns; `change` may refuse by raising.

    Raises:
        NotFound: there is no such ticket.
    """

    def work(deleting: Transaction) -> None:
        outbox.add(change(_existing(ticket_id, deleting)), deleting)
        deleting.delete("tickets", ticket_id)

    transaction(database(), work)


def save(ticket: Ticket, saving: Transaction) -> None:
    """Write the ticket's row, even if it is unchanged: only a real write conflicts with a concurrent one."""
    row = {name: value for name, value in _to_row(ticket).items() if name != "_id"}
    released = {} if ticket.order_id else {"$unset": {"orderId": ""}}
    saving.update("tickets", ticket.id, {"$set": row, "$inc": {"writes": 1}} | released)


def _tickets() -> Collection[TicketRow]:
    return collection(database(), "tickets", TicketRow)


def _existing(ticket_id: str, within: Transaction) -> Ticket:
    if (ticket := find(ticket_id, within)) is None:
        raise NotFound
    return ticket


def _to_row(ticket: Ticket) -> TicketRow:
    row: TicketRow = {
        "_id": ObjectId(ticket.id),
        "userId": ticket.user_id,
        "title": ticket.title,
        "priceCents": ticket.price,
        "version": ticket.version,
        "prefixes": prefixes(ticket.title),
        "sold": ticket.sold,
    }
    if ticket.order_id:
        row["orderId"] = ticket.order_id
    return row


def from_row(row: TicketRow) -> Ticket:
    """Return the ticket that a row stores."""
    return Ticket(
        id=str(row["_id"]),
        user_id=row["userId"],
        title=row["title"],
        price=row["priceCents"],
        version=row["version"],
        order_id=row.get("orderId"),
        sold=row.get("sold", False),
    )
