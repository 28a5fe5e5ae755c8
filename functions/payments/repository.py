"""Where payments are stored (collection `payments`), and what is known of their orders (`orders`, a replica).

Each change that decides between keeping a charge and giving it back writes the order's row: the transaction that
records a charge and the one that records order.cancelled. So of two at once one starts over and sees the other, and the
one that commits second asks for the refund.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from bson import ObjectId
from pymongo import IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, PyMongoError

from functions.payments import messages, rows
from functions.payments.domain import Order, OrderStatus, Payment, PaymentInProgress
from functions.payments.intent import Outcome
from functions.payments.rows import OrderRow, PaymentRow
from functions.shared import log
from functions.shared.clock import now
from functions.shared.errors import NotFound
from functions.shared.eventing import outbox
from functions.shared.storage.database import collection, database, keep_newest
from functions.shared.storage.indexes import require_indexes
from functions.shared.storage.retention import FINAL_ROWS_END
from functions.shared.storage.transaction import StaleWrite, Step, Transaction, transaction

# This index is what makes a second charge impossible at any concurrency: an order has one payment or none.
GUARANTEES = {"payments": [IndexModel("orderId", name="one_payment_per_order", unique=True)]}
INDEXES = {**GUARANTEES, "orders": [FINAL_ROWS_END]}

Change = Callable[[Payment, Order], Payment]
Also = Callable[[Payment, Transaction], object]


def replicate(order: Order) -> None:
    """Store this version unless the same or a later one is stored.

    When the order is cancelled, its charge is to go back, and what is pending is to be settled now.
    """
    if not order.is_cancelled:
        keep_newest("orders", order.id, rows.from_order(order))
        return

    def work(replicating: Transaction) -> None:
        known = _orders().find_one({"_id": ObjectId(order.id)}, session=replicating.session)
        if known and known["version"] >= order.version:
            return
        row, payment = rows.from_order(order), find_of_order(order.id, replicating)
        if payment is None:
            row["finalAt"] = now()
        replicating.replace("orders", order.id, row, upsert=True)
        if payment:
            _save(payment, payment.refund_if_charged(), replicating)
            if payment.is_pending:
                outbox.add(messages.overdue(payment), replicating)

    transaction(require_indexes(GUARANTEES), work)


def add(payment: Payment) -> Payment:
    """Store a new payment with its event, and return it; return the payment that its order has already, if it has."""

    def work(adding: Transaction) -> None:
        adding.insert("payments", rows.from_payment(payment))
        outbox.add(messages.event(payment), adding)

    try:
        transaction(require_indexes(GUARANTEES), work)
    except DuplicateKeyError:
        if existing := find_of_order(payment.order_id):
            return existing
        raise
    return payment


def find(payment_id: str, within: Transaction | None = None) -> Payment:
    """Return the payment, as the transaction sees it.

    Raises:
        NotFound: there is none.
    """
    row = _payments().find_one({"_id": ObjectId(payment_id)}, session=within and within.session)
    if row is None:
        raise NotFound
    return rows.to_payment(row)


def find_of_order(order_id: str, within: Transaction | None = None) -> Payment | None:
    """Return the order's payment, None if it has none."""
    row = _payments().find_one({"orderId": order_id}, session=within and within.session)
    return rows.to_payment(row) if row else None


def look_up_order(order_id: str, within: Transaction | None = None) -> Order | None:
    """Return the order in the highest version seen, None if it is not known."""
    row = _orders().find_one({"_id": ObjectId(order_id)}, session=within and within.session)
    return rows.to_order(row) if row else None


def find_order(order_id: str) -> Order:
    """Return the order in the highest version seen.

    Raises:
        NotFound: it is not known.
    """
    if (order := look_up_order(order_id)) is None:
        raise NotFound
    return order


def store_intent(payment: Payment, intent_id: str) -> Payment:
    """Store the id of the payment's intent if the payment is as it was read: one conditional write, safe to repeat.

    Return the payment as it is stored: with another status if it was settled meanwhile, or with an intent that another
    request stored. Only an intent whose id is stored may be confirmed.
    """
    stored = _payments().update_one(_as_read(payment), {"$set": {"providerId": intent_id}})
    return replace(payment, intent_id=intent_id) if stored.matched_count else find(payment.id)


def store_intent_and(payment: Payment, intent_id: str, also: Step) -> Payment:
    """Store the id of the payment's intent like `store_intent`, and do `also` in the same transaction, unless it is."""
    changed = replace(payment, intent_id=intent_id)

    def work(storing: Transaction) -> Payment:
        _replace(payment, changed, storing)
        also(storing)
        return changed

    try:
        return transaction(require_indexes(GUARANTEES), work) if changed != payment else payment
    except StaleWrite:
        return find(payment.id)


def take_from_browser(payment: Payment, request: str | None) -> Payment | None:
    """Store that we confirm a browser's payment from now on; return it, None if it is no longer as it was read.

    Its start is told again: it is to be settled soon, and no longer left to the browser until its order ends.
    """
    changed = payment.take_from_browser(request)
    try:
        transaction(require_indexes(GUARANTEES), partial(_save, payment, changed))
    except StaleWrite:
        return None
    return changed


def update(
    payment_id: str,
    change: Change,
    also: Also = lambda _payment, _updating: None,
    known: Payment | None = None,
    order: Order | None = None,
) -> Payment:
    """Store the payment as `change` returns it, with its event, and do `also` with it.

    A caller that has read the payment passes it as `known`, and its `order` with it: each saves a command, if the
    payment is still the same and the order is not cancelled.

    Raises:
        NotFound: there is no such payment, or its order is not known.
    """

    def work(updating: Transaction) -> Payment:
        payment = known or find(payment_id, updating)
        if (current := _touch(payment.order_id, updating, order)) is None:
            raise NotFound
        changed = change(payment, current)
        _save(payment, changed, updating)
        also(changed, updating)
        return changed

    try:
        return transaction(require_indexes(GUARANTEES), work)
    except StaleWrite:
        if known is None:
            raise
        return update(payment_id, change, also)


def record(payment: Payment, outcome: Outcome, order: Order, also: Also) -> Payment:
    """Store the outcome of a payment that a buyer waits for, and do `also` in the same transaction.

    Raises:
        PaymentInProgress: the database did not commit it. The card may be charged, so the buyer must not hear that the
            payment failed: it stays pending until it is settled.
    """
    try:
        return update(payment.id, lambda payment, order: payment.settle(outcome, order), also, payment, order)
    except (PyMongoError, TimeoutError) as error:
        log.exception("payment outcome not saved; settlement will retry", error, payment=payment.id)
        raise PaymentInProgress from error


def _touch(order_id: str, within: Transaction, known: Order | None = None) -> Order | None:
    """Return the order in the highest version seen, and write its row: only a real write meets a concurrent one.

    A `known` order is returned as it is, with a write that succeeds only if it is not cancelled. The order has a
    payment, which may have been added as it was cancelled: so its row does not end.
    """
    stands = {"status": {"$ne": OrderStatus.CANCELLED.value}} if known else None
    within.update("orders", order_id, {"$inc": {"writes": 1}, "$unset": {"finalAt": ""}}, was=stands)
    return known or look_up_order(order_id, within)


def _save(payment: Payment, changed: Payment, saving: Transaction) -> None:
    if changed != payment:
        _replace(payment, changed, saving)
        outbox.add(messages.event(changed), saving)


def _replace(payment: Payment, changed: Payment, within: Transaction) -> None:
    within.replace("payments", payment.id, rows.from_payment(changed), was=_as_read(payment))


def _as_read(payment: Payment) -> Mapping[str, object]:
    """Return what the row must still be, so that a process that was held up changes nothing."""
    return {
        "_id": ObjectId(payment.id),
        "status": payment.status.value,
        "providerId": payment.intent_id,
        "confirmer": payment.confirmer and payment.confirmer.value,
    }


def _orders() -> Collection[OrderRow]:
    return collection(database(), "orders", OrderRow)


def _payments() -> Collection[PaymentRow]:
    return collection(database(), "payments", PaymentRow)
