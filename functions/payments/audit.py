"""Compares every payment and order with the provider's books, page by page, and changes nothing.

`python -m functions.payments.audit`, in any container that has MONGO_URI of payments, STRIPE_KEY and STRIPE_API_BASE,
prints one line and ends with status 1 if anything differs. What is under way at that moment may differ, too: what
differs in two audits, some minutes apart, is for a person to look at.
"""

import sys
from collections.abc import Iterator

from bson import ObjectId
from pymongo.collection import Collection

from functions.payments import rows
from functions.payments.books import Books
from functions.payments.domain import Order, Payment
from functions.payments.rows import OrderRow, PaymentRow
from functions.payments.stripe_client import client, stripe, to_intent
from functions.shared.clock import now
from functions.shared.ids import parse_id
from functions.shared.storage.database import collection, database

PAGE = 100
REFUNDED = "succeeded"


def audit() -> Books:
    """Return the books with all that is stored here and at the provider."""
    books = Books()
    for refund in client().v1.refunds.list({"limit": PAGE}).auto_paging_iter():
        if refund.status == REFUNDED:
            books.enter_refund(str(refund.payment_intent), refund.amount)
    for page in _pages_of_intents():
        _enter_intents(books, page)
    for payment in map(rows.to_payment, _payments().find(batch_size=PAGE)):
        books.enter_payment(payment, _order(payment.order_id))
    for order in map(rows.to_order, _orders().find(batch_size=PAGE)):
        books.enter_order(order, _payment_of(order.id))
    return books


def _pages_of_intents() -> Iterator[list[stripe.PaymentIntent]]:
    page = client().v1.payment_intents.list({"limit": PAGE})
    yield page.data
    while page.has_more:
        page = page.next_page()
        yield page.data


def _enter_intents(books: Books, page: list[stripe.PaymentIntent]) -> None:
    """Enter the intents of a page that are ours: they name a payment and an order, as those of other shops do not."""
    ours = {one.id: (_named(one, "payment"), _named(one, "order")) for one in page}
    payments = _payments_by_id([payment_id for payment_id, _ in ours.values() if payment_id])
    for one in page:
        payment_id, order_id = ours[one.id]
        if payment_id and order_id:
            books.enter_intent(to_intent(one), payment_id, order_id, payments.get(payment_id))


def _named(intent: stripe.PaymentIntent, name: str) -> str | None:
    return parse_id(getattr(intent.metadata, name, None))


def _payments_by_id(ids: list[str]) -> dict[str, Payment]:
    found = _payments().find({"_id": {"$in": [ObjectId(one) for one in ids]}})
    return {payment.id: payment for payment in map(rows.to_payment, found)}


def _payment_of(order_id: str) -> Payment | None:
    row = _payments().find_one({"orderId": order_id})
    return rows.to_payment(row) if row else None


def _order(order_id: str) -> Order | None:
    row = _orders().find_one({"_id": ObjectId(order_id)})
    return rows.to_order(row) if row else None


def _payments() -> Collection[PaymentRow]:
    return collection(database(), "payments", PaymentRow)


def _orders() -> Collection[OrderRow]:
    return collection(database(), "orders", OrderRow)


def main() -> int:
    """Audit once and print the result; return the exit status."""
    books = audit()
    sys.stdout.write(books.line(now()) + "\n")
    return bool(books.differences)


if __name__ == "__main__":
    sys.exit(main())
