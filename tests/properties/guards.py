"""Each guard that keeps the marketplace whole, and how to take it out.

To take a guard out is the only reason for which anything of ours is replaced here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec
import pytest
from bson import ObjectId

from events.catalogue import Event, TicketUpdated
from functions.orders import repository as orders
from functions.orders import tickets as replicas
from functions.orders.domain import Order, Status
from functions.orders.domain import Ticket as Replica
from functions.shared import outbox
from functions.shared.cloudevent import attributes
from functions.shared.database import Session, database
from functions.tickets import repository, reservations
from functions.tickets.domain import Reservation, Ticket
from functions.tickets.messages import state
from tests.functions.test_tickets_races import only_if_changed


@dataclass(frozen=True)
class Guard:
    """`take_out` replaces what guards by what a less careful author would have written."""

    name: str
    take_out: Callable[[pytest.MonkeyPatch], None]


def _unique_index(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(orders.INDEXES, "orders", [orders.BY_BUYER])


def _version_check_of_replicas(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(replicas, "replicate", _overwrite)


def _overwrite(ticket: Replica) -> None:
    database()["tickets"].replace_one({"_id": ObjectId(ticket.id)}, replicas._to_row(ticket), upsert=True)


def _tombstone(patch: pytest.MonkeyPatch) -> None:
    replicate = replicas.replicate

    def replicate_or_delete(ticket: Replica) -> None:
        if ticket.deleted:
            database()["tickets"].delete_one({"_id": ObjectId(ticket.id)})
        else:
            replicate(ticket)

    patch.setattr(replicas, "replicate", replicate_or_delete)


def _refusal_of_deleted_tickets(patch: pytest.MonkeyPatch) -> None:
    find = replicas.find

    def find_as_if_alive(ticket_id: str) -> Replica | None:
        ticket = find(ticket_id)
        return ticket and replace(ticket, deleted=False)

    patch.setattr(replicas, "find", find_as_if_alive)


def _version_check_of_reservations(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reservations, "_is_news", lambda _reservation, _session: True)


def _reservation_from_all_rows(patch: pytest.MonkeyPatch) -> None:
    def reserve_or_release(reservation: Reservation, session: Session) -> None:
        ticket = repository.find(reservation.ticket_id, session)
        if ticket is None:
            reservations._reject(reservation, session)
        elif reservation.live or ticket.order_id == reservation.order_id:
            changed = ticket.reserved_for(reservation.order_id if reservation.live else None)
            repository.save(changed, session)
            if changed != ticket:
                outbox.add(state(TicketUpdated, changed), session)

    patch.setattr(reservations, "_reserve_or_release", reserve_or_release)


def _write_of_an_unchanged_ticket(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reservations, "save", only_if_changed(repository.save))


def _rejection(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reservations, "_reject", lambda _reservation, _session: None)


def _refusal_to_edit_what_is_reserved(patch: pytest.MonkeyPatch) -> None:
    def edited(ticket: Ticket, _editor: str, title: str, price: int) -> Ticket:
        return replace(ticket, title=title, price=price, version=ticket.version + 1)

    patch.setattr(Ticket, "edited", edited)


def _refusal_to_delete_what_is_reserved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ticket, "deletable", lambda ticket, _deleter: replace(ticket, version=ticket.version + 1))


def _expiry_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Order, "expired", lambda order, _at: order._cancelled())


def _end_of_cancelled_orders(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Order, "_cancelled", lambda o: replace(o, status=Status.CANCELLED, version=o.version + 1))


def _event_in_the_transaction(patch: pytest.MonkeyPatch) -> None:
    def add_apart(event: Event, _session: Session) -> None:
        row = ObjectId()
        stored = {**attributes(event, str(row)), "data": msgspec.to_builtins(event)}
        database()["outbox"].insert_one({"_id": row, "event": stored})

    patch.setattr(outbox, "add", add_apart)


GUARDS = (
    Guard("the unique index", _unique_index),
    Guard("the version check of replicas", _version_check_of_replicas),
    Guard("the tombstone", _tombstone),
    Guard("the refusal of deleted tickets", _refusal_of_deleted_tickets),
    Guard("the version check of reservations", _version_check_of_reservations),
    Guard("the reservation computed from all rows", _reservation_from_all_rows),
    Guard("the write of a ticket that does not change", _write_of_an_unchanged_ticket),
    Guard("the rejection of orders for deleted tickets", _rejection),
    Guard("the refusal to edit what is reserved", _refusal_to_edit_what_is_reserved),
    Guard("the refusal to delete what is reserved", _refusal_to_delete_what_is_reserved),
    Guard("the check of the expiry", _expiry_check),
    Guard("the end of cancelled orders", _end_of_cancelled_orders),
    Guard("the event in the transaction", _event_in_the_transaction),
)
