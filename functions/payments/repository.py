"""Where payments are kept (collection `payments`), and what is known of their orders (`orders`, a replica).

Whatever decides between keeping a charge and giving it back writes the order's row: the transaction that records a
charge and the one that records order.cancelled. So of two at once one starts over and sees the other, and whichever
commits second asks for the refund.
"""

from collections.abc import Callable

from bson import ObjectId
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError, PyMongoError

from functions.payments.domain import Order, Outcome, Payment, PaymentInProgress, Status
from functions.payments.messages import event
from functions.shared import log
from functions.shared.errors import NotFound, RuleBroken
from functions.shared.eventing import outbox
from functions.shared.storage.database import Document, Documents, ensure_indexes, keep_newest
from functions.shared.storage.transaction import StaleWrite, Transaction, transaction

# This index is what makes a second charge impossible, whatever races: an order has one payment or none.
INDEXES = {"payments": [IndexModel("orderId", name="one_payment_per_order", unique=True)]}

Change = Callable[[Payment, Order], Payment]
Also = Callable[[Payment, Transaction], object]


def replicate(order: Order) -> None:
    """Keep this version unless the same or a later one is known, and give back what was charged if it is cancelled."""
    if not order.is_cancelled:
        _database()
        keep_newest("orders", order.id, _order_row(order))
        return

    def work(replicating: Transaction) -> None:
        known = _database()["orders"].find_one({"_id": ObjectId(order.id)}, session=replicating.session)
        if known and known["version"] >= order.version:
            return
        replicating.replace("orders", order.id, _order_row(order), upsert=True)
        if payment := _of_order(order.id, replicating):
            _save(payment, payment.order_cancelled(), replicating)

    transaction(_database(), work)


def add(order_id: str, start: Callable[[Order], Payment], again: Callable[[Payment], Payment]) -> Payment | None:
    """Store the payment that `start` makes for the order as it is now, unless it refuses; None if nobody knows it.

    If the order has a payment already, nothing is stored, and it is what `again` makes of that.
    """

    def work(adding: Transaction) -> Payment | None:
        if (order := _find_order(order_id, adding)) is None:
            return None
        payment = start(order)
        adding.insert("payments", _payment_row(payment))
        outbox.add(event(payment), adding)
        return payment

    try:
        return transaction(_database(), work)
    except (DuplicateKeyError, RuleBroken):
        if another := _of_order(order_id):
            return again(another)
        raise


def find(payment_id: str, within: Transaction | None = None) -> Payment:
    """The payment, as the transaction sees it.

    Raises:
        NotFound: there is none.
    """
    row = _database()["payments"].find_one({"_id": ObjectId(payment_id)}, session=within and within.session)
    if row is None:
        raise NotFound
    return _payment(row)


def update(
    payment_id: str, change: Change, also: Also = lambda _payment, _updating: None, known: Payment | None = None
) -> Payment:
    """Store what `change` makes of the payment, with the event that tells of it; do `also` what belongs to that.

    It need not be read, which saves a command, by who takes it for `known` to be what it was when last seen.

    Raises:
        NotFound: there is no such payment, or its order is not known.
    """

    def work(updating: Transaction) -> Payment:
        payment = known or find(payment_id, updating)
        if (order := _touch(payment.order_id, updating)) is None:
            raise NotFound
        changed = change(payment, order)
        _save(payment, changed, updating)
        also(changed, updating)
        return changed

    try:
        return transaction(_database(), work)
    except StaleWrite:
        if known is None:
            raise
        return update(payment_id, change, also)


def record(payment: Payment, outcome: Outcome, also: Also) -> Payment:
    """Store what came of a payment that was just started, and do `also` what belongs to that.

    Raises:
        PaymentInProgress: the database did not take it. The card may be charged, so nobody should hear that it failed:
            it will be settled, as all that is pending.
    """
    try:
        return update(payment.id, lambda payment, order: payment.settled(outcome, order), also, known=payment)
    except (PyMongoError, TimeoutError) as error:
        log.exception("what came of a payment is not recorded", error, payment=payment.id)
        raise PaymentInProgress from error


def _of_order(order_id: str, within: Transaction | None = None) -> Payment | None:
    row = _database()["payments"].find_one({"orderId": order_id}, session=within and within.session)
    return _payment(row) if row else None


def _find_order(order_id: str, within: Transaction) -> Order | None:
    row = _database()["orders"].find_one({"_id": ObjectId(order_id)}, session=within.session)
    return _order(row) if row else None


def _touch(order_id: str, within: Transaction) -> Order | None:
    """The order in the highest version seen, its row to be written: only a real write meets a concurrent one."""
    within.update("orders", order_id, {"$inc": {"writes": 1}})
    return _find_order(order_id, within)


def _save(payment: Payment, changed: Payment, saving: Transaction) -> None:
    if changed != payment:
        saving.replace("payments", payment.id, _payment_row(changed), was={"status": payment.status.value})
        outbox.add(event(changed), saving)


def _database() -> Documents:
    return ensure_indexes(INDEXES)


def _order_row(order: Order) -> Document:
    return {
        "userId": order.user_id,
        "status": order.status,
        "expiresAt": order.expires_at,
        "priceCents": order.price,
        "version": order.version,
    }


def _order(row: Document) -> Order:
    return Order(
        id=str(row["_id"]),
        user_id=row["userId"],
        status=row["status"],
        expires_at=row["expiresAt"],
        price=row["priceCents"],
        version=row["version"],
    )


def _payment_row(payment: Payment) -> Document:
    return {
        "_id": ObjectId(payment.id),
        "orderId": payment.order_id,
        "amountCents": payment.amount,
        "startedAt": payment.started_at,
        "status": payment.status.value,
        "providerId": payment.provider_id,
        "reason": payment.reason,
        "request": payment.request,
    }


def _payment(row: Document) -> Payment:
    return Payment(
        id=str(row["_id"]),
        order_id=row["orderId"],
        amount=row["amountCents"],
        started_at=row["startedAt"],
        status=Status(row["status"]),
        provider_id=row["providerId"],
        reason=row["reason"],
        request=row.get("request"),
    )
