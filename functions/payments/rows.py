"""The rows of payments' collections, and what they mean in the domain."""

from datetime import datetime
from typing import NotRequired, TypedDict

from bson import ObjectId

from functions.payments.domain import Confirmer, Order, Payment, Status


class OrderRow(TypedDict):
    """Collection `orders`, a replica. `writes` counts the transactions that wrote the row without changing it.

    A cancelled order without a payment has `finalAt`, and ends as functions/shared/storage/retention.py says. All
    others are kept: they prove what each charge was for.
    """

    _id: NotRequired[ObjectId]
    userId: str
    status: str
    expiresAt: datetime
    priceCents: int
    version: int
    writes: NotRequired[int]
    finalAt: NotRequired[datetime]


class PaymentRow(TypedDict):
    """Collection `payments`. `providerId` is the PaymentIntent's id, empty until it is stored.

    Rows of earlier versions have no `confirmer`, and of the first one no `request`; their `providerId` was empty until
    the intent was charged.
    """

    _id: ObjectId
    orderId: str
    amountCents: int
    startedAt: datetime
    status: str
    providerId: str
    reason: str
    request: NotRequired[str | None]
    confirmer: NotRequired[str | None]


def from_order(order: Order) -> OrderRow:
    """Return the row of an order, without its id."""
    return {
        "userId": order.user_id,
        "status": order.status,
        "expiresAt": order.expires_at,
        "priceCents": order.price,
        "version": order.version,
    }


def to_order(row: OrderRow) -> Order:
    """Return the order of a row."""
    return Order(
        id=str(row["_id"]),
        user_id=row["userId"],
        status=row["status"],
        expires_at=row["expiresAt"],
        price=row["priceCents"],
        version=row["version"],
    )


def from_payment(payment: Payment) -> PaymentRow:
    """Return the row of a payment."""
    return {
        "_id": ObjectId(payment.id),
        "orderId": payment.order_id,
        "amountCents": payment.amount,
        "startedAt": payment.started_at,
        "status": payment.status.value,
        "providerId": payment.intent_id,
        "reason": payment.reason,
        "request": payment.request,
        "confirmer": payment.confirmer and payment.confirmer.value,
    }


def to_payment(row: PaymentRow) -> Payment:
    """Return the payment of a row."""
    confirmer = row.get("confirmer")
    return Payment(
        id=str(row["_id"]),
        order_id=row["orderId"],
        amount=row["amountCents"],
        started_at=row["startedAt"],
        status=Status(row["status"]),
        intent_id=row["providerId"],
        reason=row["reason"],
        request=row.get("request"),
        confirmer=Confirmer(confirmer) if confirmer else None,
    )
