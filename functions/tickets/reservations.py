"""Reserving and releasing a ticket, in any order of arrival of its orders' events: collection `reservations`.

Each order has a row with the highest version seen. Whenever a row changes, the reservation is computed from all live
rows of the ticket, in a transaction that always writes the ticket's row: of two such transactions at once, one starts
over and sees the other. "Reserve, then release" without rows ends wrong for a third of all orders of arrival.
"""

from contextlib import suppress
from datetime import datetime
from typing import NotRequired, TypedDict

from bson import ObjectId
from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from events.catalogue import RESERVATION, ReservationRejected, TicketUpdated
from functions.shared.clock import now
from functions.shared.eventing import outbox
from functions.shared.storage.database import collection, database
from functions.shared.storage.retention import FINAL_ROWS_END
from functions.shared.storage.transaction import Transaction, transaction
from functions.tickets import domain
from functions.tickets.domain import Reservation
from functions.tickets.messages import state
from functions.tickets.repository import find, save

INDEXES = {"reservations": [IndexModel([("ticketId", ASCENDING), ("live", ASCENDING)]), FINAL_ROWS_END]}


class ReservationRow(TypedDict):
    """The highest version seen of one order, and if the ticket is reserved and paid in it.

    Once the order is paid or ended, `finalAt` is there, and the row ends as functions/shared/storage/retention.py says.
    A sold ticket names its order itself, so that it stays sold without the row.
    """

    _id: NotRequired[ObjectId]  # the order's id; not in what is written: the query of the write has it
    ticketId: str
    version: int
    live: bool
    paid: NotRequired[bool]  # rows of version 0.1 have none
    finalAt: NotRequired[datetime]


def record(reservation: Reservation) -> None:
    """Store an order's newest state, and reserve or release its ticket. Older states change nothing."""

    def work(recording: Transaction) -> None:
        _write(reservation, recording)
        _reserve_or_release(reservation, _live_others(reservation, recording), recording)

    with suppress(DuplicateKeyError):  # a row of the same or a later version is there, so nothing was written
        transaction(database(), work)


def _live_others(reservation: Reservation, within: Transaction) -> list[Reservation]:
    """Return the ticket's other orders that are live: few, while it may have had many."""
    query = {"ticketId": reservation.ticket_id, "live": True}
    rows = _reservations().find(query, session=within.session)
    return [other for row in rows if (other := _from_row(row)).order_id != reservation.order_id]


def _write(reservation: Reservation, recording: Transaction) -> None:
    row: ReservationRow = {
        "ticketId": reservation.ticket_id,
        "version": reservation.version,
        "live": reservation.live,
        "paid": reservation.paid,
    }
    if reservation.is_final:
        row["finalAt"] = now()
    recording.replace("reservations", reservation.order_id, row, upsert=True, was=_older(reservation))


def _older(reservation: Reservation) -> dict[str, object]:
    """Return the query for an earlier version: with it, an upsert where there is a later one is a duplicate key."""
    return {"version": {"$lt": reservation.version}}


def _reserve_or_release(reservation: Reservation, others: list[Reservation], recording: Transaction) -> None:
    ticket = find(reservation.ticket_id, recording)
    if ticket is None:
        _reject(reservation, recording)
        return
    if ticket.sale and ticket.sale.order_id != reservation.order_id:
        others = [*others, ticket.sale]
    reserved = ticket.reserve_for(domain.holder([*others, reservation]))
    save(reserved, recording)
    if reserved.version != ticket.version:
        outbox.add(state(TicketUpdated, reserved), recording, change=RESERVATION)


def _reject(reservation: Reservation, recording: Transaction) -> None:
    if reservation.live:
        reason = "the ticket was deleted"
        rejected = ReservationRejected(order_id=reservation.order_id, ticket_id=reservation.ticket_id, reason=reason)
        outbox.add(rejected, recording)


def _reservations() -> Collection[ReservationRow]:
    return collection(database(), "reservations", ReservationRow)


def _from_row(row: ReservationRow) -> Reservation:
    return Reservation(str(row["_id"]), row["ticketId"], row["version"], row["live"], row.get("paid", False))
