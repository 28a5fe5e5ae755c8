"""Where orders are stored: collection `orders`. Every change is one transaction with the event that tells of it."""

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict

from bson import ObjectId
from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from events.catalogue import Event
from functions.orders.domain import LIVE, AlreadyReserved, Order, Status, Ticket
from functions.shared.errors import NotFound
from functions.shared.eventing import outbox
from functions.shared.storage.database import Documents, collection, ensure_indexes
from functions.shared.storage.paging import Page, find_page
from functions.shared.storage.transaction import Step, Transaction, transaction

# This index is what makes an oversell impossible, whatever races: a ticket has one live order or none.
ONE_LIVE_ORDER_PER_TICKET = IndexModel(
    "ticket.id",
    name="one_live_order_per_ticket",
    unique=True,
    partialFilterExpression={"status": {"$in": [status.value for status in LIVE]}},
)
BY_BUYER = IndexModel([("userId", ASCENDING), ("_id", ASCENDING)])

INDEXES = {"orders": [ONE_LIVE_ORDER_PER_TICKET, BY_BUYER]}


class OrderedTicketRow(TypedDict):
    """The ticket as it stood at reservation; `version` is the replica's then."""

    id: str
    version: int
    title: str
    priceCents: int


class OrderRow(TypedDict):
    """An order; `status` is one of the contract's strings, `version` counts its changes from 0."""

    _id: ObjectId
    userId: str
    status: str
    expiresAt: datetime
    ticket: OrderedTicketRow
    version: int


def add(order: Order, event: Event, also: Step) -> None:
    """Store a new order, and do `also` in the same transaction.

    Raises:
        AlreadyReserved: another live order has the ticket.
    """

    def work(adding: Transaction) -> None:
        also(adding)
        adding.insert("orders", _to_row(order))
        outbox.add(event, adding)

    try:
        transaction(_database(), work)
    except DuplicateKeyError as error:
        raise AlreadyReserved from error


def find(order_id: str, within: Transaction | None = None) -> Order:
    """Return the order, as the transaction sees it.

    Raises:
        NotFound: there is none.
    """
    row = _orders().find_one({"_id": ObjectId(order_id)}, session=within and within.session)
    if row is None:
        raise NotFound
    return _from_row(row)


def of_buyer(user_id: str, page: Page) -> list[Order]:
    """Return a page of a user's orders, and one more if there are more."""
    return [_from_row(row) for row in find_page(_orders(), {"userId": user_id}, page)]


def update(order_id: str, change: Callable[[Order], Order], event: Callable[[Order], Event]) -> Order:
    """Store the order as `change` returns it, with the event that tells of it, unless `change` returns the same order.

    Raises:
        NotFound: there is no such order.
    """

    def work(updating: Transaction) -> Order:
        order = find(order_id, updating)
        changed = change(order)
        if changed != order:
            updating.replace("orders", order_id, _to_row(changed))
            outbox.add(event(changed), updating)
        return changed

    return transaction(_database(), work)


def _database() -> Documents:
    return ensure_indexes(INDEXES)


def _orders() -> Collection[OrderRow]:
    return collection(_database(), "orders", OrderRow)


def _to_row(order: Order) -> OrderRow:
    ticket = order.ticket
    return {
        "_id": ObjectId(order.id),
        "userId": order.user_id,
        "status": order.status.value,
        "expiresAt": order.expires_at,
        "ticket": {"id": ticket.id, "version": ticket.version, "title": ticket.title, "priceCents": ticket.price},
        "version": order.version,
    }


def _from_row(row: OrderRow) -> Order:
    ticket = row["ticket"]
    return Order(
        id=str(row["_id"]),
        user_id=row["userId"],
        expires_at=row["expiresAt"],
        ticket=Ticket(ticket["id"], ticket["version"], ticket["title"], ticket["priceCents"]),
        status=Status(row["status"]),
        version=row["version"],
    )
