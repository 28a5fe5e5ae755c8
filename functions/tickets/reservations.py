"""Reserving and releasing a ticket, in whatever order the events of its orders come.

Each order has a row with the highest version seen. Whenever a row changes, the reservation is computed anew from all
live rows of the ticket, in a transaction that always writes the ticket's row: so of two such transactions at once one
starts over and sees the other. "Reserve, then release" without rows ends wrong for a third of all orders of arrival.
"""

from bson import ObjectId

from events.catalogue import ReservationRejected, TicketUpdated
from functions.shared.eventing import outbox
from functions.shared.storage.database import Document
from functions.shared.storage.transaction import Transaction, transaction
from functions.tickets import domain
from functions.tickets.domain import Reservation
from functions.tickets.messages import state
from functions.tickets.repository import collections, find, save


def record(reservation: Reservation) -> None:
    """Take note of an order's newest state, and reserve or release its ticket. Older states change nothing."""

    def work(recording: Transaction) -> None:
        if _is_news(reservation, recording):
            _write(reservation, recording)
            _reserve_or_release(reservation, _live_others(reservation, recording), recording)

    transaction(collections(), work)


def _is_news(reservation: Reservation, within: Transaction) -> bool:
    row = collections()["reservations"].find_one({"_id": ObjectId(reservation.order_id)}, session=within.session)
    return row is None or _from_row(row).version < reservation.version


def _live_others(reservation: Reservation, within: Transaction) -> list[Reservation]:
    """A ticket that people reserve and let go has many rows, and few that are live."""
    query = {"ticketId": reservation.ticket_id, "live": True}
    rows = collections()["reservations"].find(query, session=within.session)
    return [other for row in rows if (other := _from_row(row)).order_id != reservation.order_id]


def _write(reservation: Reservation, recording: Transaction) -> None:
    row = {"ticketId": reservation.ticket_id, "version": reservation.version, "live": reservation.live}
    recording.replace("reservations", reservation.order_id, row, upsert=True)


def _reserve_or_release(reservation: Reservation, others: list[Reservation], recording: Transaction) -> None:
    ticket = find(reservation.ticket_id, recording)
    if ticket is None:
        _reject(reservation, recording)
        return
    reserved = ticket.reserved_for(domain.holder([*others, reservation]))
    save(reserved, recording)
    if reserved != ticket:
        outbox.add(state(TicketUpdated, reserved), recording)


def _reject(reservation: Reservation, recording: Transaction) -> None:
    if reservation.live:
        reason = "the ticket was deleted"
        rejected = ReservationRejected(order_id=reservation.order_id, ticket_id=reservation.ticket_id, reason=reason)
        outbox.add(rejected, recording)


def _from_row(row: Document) -> Reservation:
    return Reservation(str(row["_id"]), row["ticketId"], row["version"], row["live"])
