"""Each guard that keeps tickets and their orders whole, and how to take it out."""

from dataclasses import replace

import msgspec
import pytest
from bson import ObjectId

from events.catalogue import RESERVATION, Event, TicketUpdated
from functions.orders import migrate
from functions.orders import repository as orders
from functions.orders import tickets as replicas
from functions.orders.domain import Order, Status
from functions.orders.domain import Ticket as Replica
from functions.shared.envelope import attributes
from functions.shared.eventing import outbox
from functions.shared.storage.database import database
from functions.shared.storage.transaction import Transaction
from functions.tickets import repository, reservations
from functions.tickets.domain import Reservation, Ticket
from functions.tickets.messages import state
from tests.functions.test_tickets_races import only_if_changed
from tests.properties.guard import Guard


def _unique_index(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(migrate.INDEXES, "orders", [orders.BY_BUYER])
    patch.setitem(orders.GUARANTEES, "orders", [])


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
    patch.setattr(reservations, "_older", lambda _reservation: {})


def _reservation_from_all_rows(patch: pytest.MonkeyPatch) -> None:
    def reserve_or_release(reservation: Reservation, _others: object, recording: Transaction) -> None:
        ticket = repository.find(reservation.ticket_id, recording)
        if ticket is None:
            reservations._reject(reservation, recording)
        elif reservation.live or ticket.order_id == reservation.order_id:
            changed = ticket.reserve_for(reservation if reservation.live else None)
            repository.save(changed, recording)
            if changed.version != ticket.version:
                outbox.add(state(TicketUpdated, changed), recording, change=RESERVATION)

    patch.setattr(reservations, "_reserve_or_release", reserve_or_release)


def _write_of_an_unchanged_ticket(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reservations, "save", only_if_changed(repository.save))


def _rejection(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reservations, "_reject", lambda _reservation, _recording: None)


def _refusal_to_edit_what_is_reserved(patch: pytest.MonkeyPatch) -> None:
    def edit(ticket: Ticket, _editor: str, title: str, price: int) -> Ticket:
        return replace(ticket, title=title, price=price, version=ticket.version + 1)

    patch.setattr(Ticket, "edit", edit)


def _refusal_to_delete_what_is_reserved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ticket, "delete", lambda ticket, _deleter: replace(ticket, version=ticket.version + 1))


def _expiry_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Order, "expire", lambda order, at, _due: order._cancel(at, "expired"))


def _end_of_cancelled_orders(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Order, "_cancel", lambda o, at, reason: o._become(Status.CANCELLED, at, reason))


def _event_in_the_transaction(patch: pytest.MonkeyPatch) -> None:
    def add_apart(event: Event, _storing: Transaction, **extensions: str) -> None:
        row = ObjectId()
        stored = {**attributes(event, str(row)), **extensions, "data": msgspec.to_builtins(event)}
        database()["outbox"].insert_one({"_id": row, "event": stored})

    patch.setattr(outbox, "add", add_apart)


GUARDS = (
    Guard("the unique index", "several live orders", _unique_index),
    Guard("the version check of replicas", "replicas differ", _version_check_of_replicas),
    Guard("the tombstone", "replicas differ", _tombstone, seed=22),
    Guard(
        "the refusal of deleted tickets",
        "payments-replicate-order|tickets-replicate-order|reserved",
        _refusal_of_deleted_tickets,
        seed=9,
    ),
    Guard(
        "the version check of reservations",
        "disagree about which orders are live|reserved",
        _version_check_of_reservations,
    ),
    Guard("the reservation computed from all rows", "reserved .*, ordered", _reservation_from_all_rows, seed=16),
    Guard("the write of a ticket that does not change", "reserved .*, ordered", _write_of_an_unchanged_ticket),
    Guard("the rejection of orders for deleted tickets", "reserved .*, ordered", _rejection, seed=9),
    Guard("the refusal to edit what is reserved", "while it was reserved", _refusal_to_edit_what_is_reserved),
    Guard("the refusal to delete what is reserved", "while it was reserved", _refusal_to_delete_what_is_reserved),
    Guard("the check of the expiry", "expired at .*, was to at", _expiry_check),
    Guard("the end of cancelled orders", "an order went through|not settled", _end_of_cancelled_orders),
    Guard(
        "the event in the transaction",
        "versions in events of|orders-expire|payments-settle",  # an event shows an order that never was
        _event_in_the_transaction,
    ),
)
