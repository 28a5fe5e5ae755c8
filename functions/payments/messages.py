"""The events of payments: one for each status."""

from collections.abc import Callable

from events.catalogue import (
    Event,
    PaymentCreated,
    PaymentFailed,
    PaymentOverdue,
    PaymentRefunded,
    PaymentStarted,
    RefundRequested,
)
from functions.payments.domain import Payment, Status
from functions.shared.money import to_dollars


def event(payment: Payment) -> Event:
    """Return the event that tells how far the payment is."""
    return _EVENTS[payment.status](payment)


def overdue(payment: Payment) -> PaymentOverdue:
    """Return the event on which the payment is settled."""
    return PaymentOverdue(id=payment.id, order_id=payment.order_id)


def _started(payment: Payment) -> PaymentStarted:
    return PaymentStarted(id=payment.id, order_id=payment.order_id)


def _created(payment: Payment) -> PaymentCreated:
    amount = to_dollars(payment.amount)
    return PaymentCreated(id=payment.id, order_id=payment.order_id, amount=amount, provider_id=payment.intent_id)


def _failed(payment: Payment) -> PaymentFailed:
    return PaymentFailed(id=payment.id, order_id=payment.order_id, reason=payment.reason)


def _refund_requested(payment: Payment) -> RefundRequested:
    amount = to_dollars(payment.amount)
    return RefundRequested(id=payment.id, order_id=payment.order_id, amount=amount, provider_id=payment.intent_id)


def _refunded(payment: Payment) -> PaymentRefunded:
    return PaymentRefunded(id=payment.id, order_id=payment.order_id, amount=to_dollars(payment.amount))


_EVENTS: dict[Status, Callable[[Payment], Event]] = {
    Status.PENDING: _started,
    Status.SUCCEEDED: _created,
    Status.FAILED: _failed,
    Status.REFUNDING: _refund_requested,
    Status.REFUNDED: _refunded,
}
