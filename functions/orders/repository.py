"""Where orders are kept: collection `orders`. Every change is one transaction with the event that tells of it."""

from collections.abc import Callable

from bson import ObjectId
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from events.catalogue import Event
from functions.orders.domain import LIVE, AlreadyReserved, Order, Status, Ticket
from functions.shared.errors import NotFound
from functions.shared.eventing import outbox
from functions.shared.storage.database import Document, Documents, ensure_indexes
from functions.shared.storage.transaction import Transaction, transaction
from functions.shared.web import idempotency
from functions.shared.web.http import Answer
from functions.shared.web.pagination import Page

# This index is what makes an oversell impossible, whatever races: a ticket has one live order or none.
ONE_LIVE_ORDER_PER_TICKET = IndexModel(
    "ticket.id",
    name="one_live_order_per_ticket",
    unique=True,
    partialFilterExpression={"status": {"$in": [status.value for status in LIVE]}},
)
BY_BUYER = IndexModel([("userId", ASCENDING), ("_id", ASCENDING)])

INDEXES = {"orders": [ONE_LIVE_ORDER_PER_TICKET, BY_BUYER]}


def add(order: Order, event: Event, answer: Answer) -> None:
    """Store a new order, and with it the answer to whoever asked for it.

    Raises:
        AlreadyReserved: another live order has the ticket.
    """

    def work(storing: Transaction) -> None:
        idempotency.keep(answer, storing)
        storing.insert("orders", _to_row(order))
        outbox.add(event, storing)

    try:
        transaction(_database(), work)
    except DuplicateKeyError as error:
        raise AlreadyReserved from error


def find(order_id: str, within: Transaction | None = None) -> Order:
    """The order, as the transaction sees it.

    Raises:
        NotFound: there is none.
    """
    row = _database()["orders"].find_one({"_id": ObjectId(order_id)}, session=within and within.session)
    if row is None:
        raise NotFound
    return _from_row(row)


def of_buyer(user_id: str, page: Page) -> list[Order]:
    """A page of a user's orders, and one more if there are more."""
    query: Document = {"userId": user_id}
    if page.after:
        query["_id"] = {"$gt": ObjectId(page.after)}
    rows = _database()["orders"].find(query).sort("_id").limit(page.limit + 1)
    return [_from_row(row) for row in rows]


def update(order_id: str, change: Callable[[Order], Order], event: Callable[[Order], Event]) -> Order:
    """Store what `change` makes of the order, if that is another one, with the event that tells of it.

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


def _to_row(order: Order) -> Document:
    ticket = {"id": order.ticket.id, "version": order.ticket.version, "title": order.ticket.title}
    return {
        "_id": ObjectId(order.id),
        "userId": order.user_id,
        "status": order.status.value,
        "expiresAt": order.expires_at,
        "ticket": ticket | {"priceCents": order.ticket.price},
        "version": order.version,
    }


def _from_row(row: Document) -> Order:
    ticket = row["ticket"]
    return Order(
        id=str(row["_id"]),
        user_id=row["userId"],
        expires_at=row["expiresAt"],
        ticket=Ticket(ticket["id"], ticket["version"], ticket["title"], ticket["priceCents"]),
        status=Status(row["status"]),
        version=row["version"],
    )
