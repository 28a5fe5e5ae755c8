"""Each guard that keeps money where it belongs, and how to take it out.

Not here, since another stands behind each of them: the status that payments-refund looks at (the provider refuses to
give more back than it took), the refund after a failure (the intent of a failed payment is canceled), the refusal to
pay for a complete order (it has its payment) and what protects a complete order from payment.failed (what has failed
never succeeds).
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import stripe
from bson import ObjectId

from events.catalogue import Event, PaymentOverdue
from functions.orders.domain import Order as Placed
from functions.orders.domain import Status as Progress
from functions.payments import migrate, provider, repository, signature
from functions.payments.domain import Order, Payment, Status
from functions.payments.intent import Decline, Outcome
from functions.payments.stripe_client import client
from functions.shared.eventing import outbox
from functions.shared.storage.database import database
from functions.shared.storage.transaction import Transaction
from tests.properties.guard import Guard


def _one_payment_per_order(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(migrate.INDEXES, "payments", [])
    patch.setitem(repository.GUARANTEES, "payments", [])


def _intent_stored_before_the_charge(patch: pytest.MonkeyPatch) -> None:
    for name in ("store_intent", "store_intent_and"):
        patch.setattr(repository, name, lambda payment, intent_id, *_: replace(payment, intent_id=intent_id))


def _condition_on_storing_the_intent(patch: pytest.MonkeyPatch) -> None:
    def store_anyway(payment: Payment, intent_id: str, *_: object) -> Payment:
        database()["payments"].update_one({"_id": ObjectId(payment.id)}, {"$set": {"providerId": intent_id}})
        return replace(payment, intent_id=intent_id)

    patch.setattr(repository, "store_intent", store_anyway)
    patch.setattr(repository, "store_intent_and", store_anyway)


def _cancellation_of_the_intent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(provider, "_cancel", lambda _payment, reason: Decline(reason or "given up"))


def _idempotency_key(patch: pytest.MonkeyPatch) -> None:
    send = stripe.RequestsClient.request

    def send_without(
        client: stripe.RequestsClient,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *rest: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401 - the library's
        return send(client, method, url, {k: v for k, v in headers.items() if k != "Idempotency-Key"}, *rest)

    patch.setattr(stripe.RequestsClient, "request", send_without)


def _write_of_an_unchanged_order(patch: pytest.MonkeyPatch) -> None:
    def look(order_id: str, within: Transaction, _known: object = None) -> Order | None:
        return repository.look_up_order(order_id, within)

    patch.setattr(repository, "_touch", look)


def _refund_of_what_comes_too_late(patch: pytest.MonkeyPatch) -> None:
    settle = Payment.settle
    patch.setattr(Payment, "settle", lambda p, outcome, o: settle(p, outcome, replace(o, status=Progress.CREATED)))


def _refund_of_what_was_paid(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Payment, "refund_if_charged", lambda payment: payment)


def _settlement_when_the_order_is_cancelled(patch: pytest.MonkeyPatch) -> None:
    add = outbox.add

    def add_all_but_overdue(event: Event, within: Transaction, **extensions: str) -> None:
        if not isinstance(event, PaymentOverdue):
            add(event, within, **extensions)

    patch.setattr(outbox, "add", add_all_but_overdue)


def _look_at_whose_intent_it_is(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Payment, "is_of", lambda _payment, _intent: True)


def _end_of_refunded_payments(patch: pytest.MonkeyPatch) -> None:
    settle = Payment.settle

    def settle_any_payment(payment: Payment, outcome: Outcome, order: Order) -> Payment:
        return settle(replace(payment, status=Status.PENDING), outcome, order)

    patch.setattr(Payment, "settle", settle_any_payment)


def _refusal_of_cancelled_orders(patch: pytest.MonkeyPatch) -> None:
    require = Order.require_payable
    patch.setattr(Order, "require_payable", lambda o, *given: o if o.is_cancelled else require(o, *given))


def _refusal_of_expired_orders(patch: pytest.MonkeyPatch) -> None:
    require = Order.require_payable
    patch.setattr(Order, "require_payable", lambda o, at: require(replace(o, expires_at=at + timedelta.resolution), at))


def _settlement_without_a_charge(patch: pytest.MonkeyPatch) -> None:
    settle = provider.settle

    def charge(payment: Payment) -> Outcome:
        with suppress(stripe.StripeError):
            client().v1.payment_intents.confirm(payment.intent_id, {"payment_method": "pm_card_visa"})
        return settle(payment)

    patch.setattr(provider, "settle", charge)


def _version_check_of_orders(patch: pytest.MonkeyPatch) -> None:
    replicate = repository.replicate

    def forget_and_replicate(order: Order) -> None:
        database()["orders"].update_one({"_id": ObjectId(order.id)}, {"$set": {"version": -1}})
        replicate(order)

    patch.setattr(repository, "replicate", forget_and_replicate)


def _signature(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(signature, "is_signed", lambda _content, _signature: True)


def _end_of_cancelled_orders(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Placed, "mark_paid", lambda o, at: o if o.status == Progress.COMPLETE else o._become(Progress.COMPLETE, at)
    )


def _lateness_of_a_start(patch: pytest.MonkeyPatch) -> None:
    def awaiting(order: Placed, at: datetime) -> Placed:
        return order if order.status == Progress.CANCELLED else order._become(Progress.AWAITING_PAYMENT, at)

    patch.setattr(Placed, "await_payment", awaiting)


def _standing_of_paid_orders(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Placed, "cancel", lambda order, _buyer, at: order._cancel(at, "cancelled by the buyer"))


def _standing_of_paid_orders_in_time(patch: pytest.MonkeyPatch) -> None:
    expire = Placed.expire

    def expire_even_if_paid(order: Placed, at: datetime, due: datetime | None) -> Placed:
        return expire(replace(order, status=Progress.CREATED) if order.status == Progress.COMPLETE else order, at, due)

    patch.setattr(Placed, "expire", expire_even_if_paid)


GUARDS = (
    Guard("the one payment of an order", "charged twice|charged unasked", _one_payment_per_order, seed=9),
    Guard("the intent stored before the charge", "kept", _intent_stored_before_the_charge),
    Guard("the condition on storing the intent", "kept", _condition_on_storing_the_intent),
    Guard("the cancellation of an intent that is given up", "kept|still", _cancellation_of_the_intent),
    Guard("the settlement when an order is cancelled", "not settled", _settlement_when_the_order_is_cancelled),
    Guard("the idempotency key", "several intents", _idempotency_key),
    Guard("the write of an order that does not change", "kept", _write_of_an_unchanged_order, seed=2),
    Guard("the refund of what comes too late", "kept", _refund_of_what_comes_too_late, seed=9),
    Guard("the refund of what was paid", "kept", _refund_of_what_was_paid, seed=5),
    Guard("the look at whose intent it is", "kept|refunded|recorded", _look_at_whose_intent_it_is),
    Guard("the end of refunded payments", "a payment went through", _end_of_refunded_payments),
    Guard(
        "the refusal to pay for a cancelled order", "known to be cancelled|not settled", _refusal_of_cancelled_orders
    ),
    Guard("the refusal to pay for an expired order", "what expired", _refusal_of_expired_orders, seed=23),
    Guard("the settlement that charges nothing", "charged unasked|not settled", _settlement_without_a_charge, seed=11),
    Guard("the version check of orders", "disagree about orders", _version_check_of_orders),
    Guard("the signature of webhooks", "a forged webhook", _signature),
    Guard(
        "the end of cancelled orders for payers",
        "orders-complete|an order went through",
        _end_of_cancelled_orders,
        seed=5,
    ),
    Guard("the deafness to a late start", "an order went through|not settled", _lateness_of_a_start, seed=7),
    Guard(
        "the refusal to cancel a paid order", "a paid order was cancelled|not settled", _standing_of_paid_orders, seed=7
    ),
    Guard(
        "the expiry that spares paid orders", "a paid order was cancelled|not settled", _standing_of_paid_orders_in_time
    ),
)
