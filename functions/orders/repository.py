"""Where orders are stored: collection `orders`. Every change is one transaction with its event."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NotRequired, TypedDict

from bson import ObjectId
from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from events.catalogue import Event
from functions.orders.domain import (
    LIVE,
    UNPAID,
    AlreadyReserved,
    Order,
    Status,
    Ticket,
    TooManyReservations,
    Transition,
)
from functions.shared.errors import NotFound
from functions.shared.eventing import outbox
from functions.shared.storage.database import collection, database
from functions.shared.storage.indexes import require_indexes
from functions.shared.storage.paging import Page, find_page
from functions.shared.storage.transaction import Step, Transaction, transaction

# This index makes an oversell impossible under any concurrency: a ticket has one live order or none.
ONE_LIVE_ORDER_PER_TICKET = IndexModel(
    "ticket.id",
    name="one_live_order_per_ticket",
    unique=True,
    partialFilterExpression={"status": {"$in": [status.value for status in LIVE]}},
)
# This one limits the unpaid orders of a buyer, as there are only so many slots.
ONE_UNPAID_ORDER_PER_SLOT = IndexModel(
    [("userId", ASCENDING), ("slot", ASCENDING)],
    name="one_unpaid_order_per_slot",
    unique=True,
    partialFilterExpression={"status": {"$in": [status.value for status in UNPAID]}, "slot": {"$exists": True}},
)
BY_BUYER = IndexModel([("userId", ASCENDING), ("_id", ASCENDING)])
UNPAID_BY_EXPIRY = IndexModel(
    "expiresAt",
    name="unpaid_by_expiry",
    partialFilterExpression={"status": {"$in": [status.value for status in UNPAID]}},
)

GUARANTEES = {"orders": [ONE_LIVE_ORDER_PER_TICKET, ONE_UNPAID_ORDER_PER_SLOT]}
INDEXES = {"orders": [*GUARANTEES["orders"], BY_BUYER, UNPAID_BY_EXPIRY]}
MAX_SWEEP = 1000  # orders


class OrderedTicketRow(TypedDict):
    """The ticket as it stood at reservation; `version` is the replica's then."""

    id: str
    version: int
    title: str
    priceCents: int


class TransitionRow(TypedDict):
    """One step in the life of an order."""

    status: str
    at: datetime
    reason: NotRequired[str]


class OrderRow(TypedDict):
    """An order; `status` is one of the contract's strings, `version` counts its changes from 0.

    Rows of version 0.1 have no `slot`, `renewals` and `history`.
    """

    _id: ObjectId
    userId: str
    status: str
    expiresAt: datetime
    ticket: OrderedTicketRow
    version: int
    slot: NotRequired[int]
    renewals: NotRequired[int]
    history: NotRequired[list[TransitionRow]]


def add(order: Order, event: Event, also: Step, limit: int) -> None:
    """Store a new order in a free slot of its buyer's `limit` ones, and do `also` in the same transaction.

    Raises:
        AlreadyReserved: another live order has the ticket.
        TooManyReservations: every slot is taken.
    """

    def work(adding: Transaction) -> None:
        also(adding)
        adding.insert("orders", _to_row(replace(order, slot=_free_slot(order.user_id, limit, adding))))
        outbox.add(event, adding)

    for _ in range(limit):  # each time another of the buyer's requests took the slot, of which there are `limit`
        try:
            return transaction(require_indexes(GUARANTEES), work)
        except DuplicateKeyError as error:
            if not _is_slot_taken(error):
                raise AlreadyReserved from error
    raise TooManyReservations


def _free_slot(user_id: str, limit: int, within: Transaction) -> int:
    """Return the first free slot. Of two orders that take the same one at once, the index lets one in."""
    unpaid = {"userId": user_id, "status": {"$in": [status.value for status in UNPAID]}, "slot": {"$exists": True}}
    taken = {row.get("slot") for row in _orders().find(unpaid, {"slot": True}, session=within.session)}
    if (slot := next((slot for slot in range(limit) if slot not in taken), None)) is None:
        raise TooManyReservations
    return slot


def _is_slot_taken(error: DuplicateKeyError) -> bool:
    return str(ONE_UNPAID_ORDER_PER_SLOT.document["name"]) in str(error)


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


def overdue(before: datetime) -> list[str]:
    """Return the ids of unpaid orders whose time was over before that, oldest first and at most MAX_SWEEP."""
    query = {"status": {"$in": [status.value for status in UNPAID]}, "expiresAt": {"$lt": before}}
    found = _orders().find(query, {"_id": True}).sort("expiresAt").limit(MAX_SWEEP)
    return [str(row["_id"]) for row in found]


def update(
    order_id: str,
    change: Callable[[Order], Order],
    event: Callable[[Order], Event],
    also: Callable[[Order], Step] = lambda _: lambda _: None,
) -> Order:
    """Store the order as `change` returns it, with its event, unless `change` returns the same order.

    In the same transaction do what `also` returns for that order.

    Raises:
        NotFound: there is no such order.
    """

    def work(updating: Transaction) -> Order:
        order = find(order_id, updating)
        changed = change(order)
        if changed != order:
            updating.replace("orders", order_id, _to_row(changed))
            outbox.add(event(changed), updating)
        also(changed)(updating)
        return changed

    return transaction(require_indexes(GUARANTEES), work)


def _orders() -> Collection[OrderRow]:
    return collection(database(), "orders", OrderRow)


def _to_row(order: Order) -> OrderRow:
    ticket = order.ticket
    row: OrderRow = {
        "_id": ObjectId(order.id),
        "userId": order.user_id,
        "status": order.status.value,
        "expiresAt": order.expires_at,
        "ticket": {"id": ticket.id, "version": ticket.version, "title": ticket.title, "priceCents": ticket.price},
        "version": order.version,
        "renewals": order.renewals,
        "history": [_to_transition_row(transition) for transition in order.history],
    }
    if order.slot is not None:
        row["slot"] = order.slot
    return row


def _to_transition_row(transition: Transition) -> TransitionRow:
    row: TransitionRow = {"status": transition.status.value, "at": transition.at}
    if transition.reason is not None:
        row["reason"] = transition.reason
    return row


def _from_row(row: OrderRow) -> Order:
    ticket = row["ticket"]
    return Order(
        id=str(row["_id"]),
        user_id=row["userId"],
        expires_at=row["expiresAt"],
        ticket=Ticket(ticket["id"], ticket["version"], ticket["title"], ticket["priceCents"]),
        status=Status(row["status"]),
        version=row["version"],
        slot=row.get("slot"),
        renewals=row.get("renewals", 0),
        history=tuple(Transition(Status(one["status"]), one["at"], one.get("reason")) for one in _history(row)),
    )


def _history(row: OrderRow) -> list[TransitionRow]:
    """Return the transitions of a row; of one of version 0.1 the creation only, whose time its id has."""
    return row.get("history") or [{"status": Status.CREATED.value, "at": row["_id"].generation_time}]
