"""Reserving and releasing a ticket, in whatever order the events of its orders come.

Each order has a row with the highest version seen. Whenever a row changes, the reservation is computed anew from all
rows of the ticket, in a transaction that always writes the ticket's row: so of two such transactions at once one
starts over and sees the other. "Reserve, then release" without rows ends wrong for a third of all orders of arrival.
"""

from bson import ObjectId

from events.catalogue import ReservationRejected, TicketUpdated
from functions.shared import outbox
from functions.shared.database import Document, Session, transaction
from functions.tickets import domain
from functions.tickets.domain import Reservation
from functions.tickets.messages import state
from functions.tickets.repository import collections, find, save


def record(reservation: Reservation) -> None:
    """Take note of an order's newest state, and reserve or release its ticket. Older states change nothing."""

    def work(session: Session) -> None:
        if _is_news(reservation, session):
            _write(reservation, session)
            _reserve_or_release(reservation, session)

    transaction(work)


def _is_news(reservation: Reservation, session: Session) -> bool:
    known = collections()["reservations"].find_one({"_id": ObjectId(reservation.order_id)}, session=session)
    return known is None or known["version"] < reservation.version


def _write(reservation: Reservation, session: Session) -> None:
    row = {"ticketId": reservation.ticket_id, "version": reservation.version, "live": reservation.live}
    collections()["reservations"].replace_one(
        {"_id": ObjectId(reservation.order_id)}, row, upsert=True, session=session
    )


def _reserve_or_release(reservation: Reservation, session: Session) -> None:
    ticket = find(reservation.ticket_id, session)
    if ticket is None:
        _reject(reservation, session)
        return
    reserved = ticket.reserved_for(domain.holder(_reservations(ticket.id, session)))
    save(reserved, session)
    if reserved != ticket:
        outbox.add(state(TicketUpdated, reserved), session)


def _reject(reservation: Reservation, session: Session) -> None:
    if reservation.live:
        reason = "the ticket was deleted"
        rejected = ReservationRejected(order_id=reservation.order_id, ticket_id=reservation.ticket_id, reason=reason)
        outbox.add(rejected, session)


def _reservations(ticket_id: str, session: Session) -> list[Reservation]:
    rows = collections()["reservations"].find({"ticketId": ticket_id}, session=session)
    return [_from_row(row) for row in rows]


def _from_row(row: Document) -> Reservation:
    return Reservation(str(row["_id"]), row["ticketId"], row["version"], row["live"])
