"""The comparison of an audit: what was charged, refunded and sold must be the same here and at the provider."""

from dataclasses import dataclass, field
from datetime import datetime

from functions.payments.domain import Order, OrderStatus, Payment, Status
from functions.payments.intent import Intent, IntentStatus
from functions.shared.money import to_dollars

CHARGED = (Status.SUCCEEDED, Status.REFUNDING, Status.REFUNDED)


@dataclass
class Tally:
    """How many, and their sum in cents."""

    count: int = 0
    cents: int = 0

    def add(self, cents: int) -> None:
        """Count one more."""
        self.count += 1
        self.cents += cents

    def __str__(self) -> str:
        return f"{self.count} ({to_dollars(self.cents):.2f} USD)"


@dataclass
class Books:
    """What an audit has seen. Enter all refunds first, then all intents, then all payments and orders."""

    charges: Tally = field(default_factory=Tally)
    refunds: Tally = field(default_factory=Tally)
    complete_orders: Tally = field(default_factory=Tally)
    differences: list[str] = field(default_factory=list)
    _refunded: dict[str, int] = field(default_factory=dict)  # cents by intent
    _charged_orders: dict[str, str] = field(default_factory=dict)  # intent by order

    def enter_refund(self, intent_id: str, cents: int) -> None:
        """Enter a refund that the provider made; it counts if its intent is ours."""
        self._refunded[intent_id] = self._refunded.get(intent_id, 0) + cents

    def enter_intent(self, intent: Intent, payment_id: str, order_id: str, payment: Payment | None) -> None:
        """Enter an intent whose metadata name a payment and an order, with the payment if it is known here."""
        ids = f"{intent.id} (payment {payment_id}, order {order_id})"
        if intent.status == IntentStatus.SUCCEEDED:
            self._enter_charge(intent, order_id, payment, ids)
        elif intent.status != IntentStatus.CANCELED and payment and _has_failed_by(payment, intent):
            self._differ("intent of a failed payment is open", ids)

    def enter_payment(self, payment: Payment, order: Order | None) -> None:
        """Enter a payment that is stored here, with its order if that is known."""
        ids = f"{payment.id} (order {payment.order_id})"
        if payment.status not in CHARGED:
            return
        if self._charged_orders.get(payment.order_id) != payment.intent_id:
            self._differ("recorded charge is not at the provider", ids)
        back = self._refunded.get(payment.intent_id, 0)
        if payment.status == Status.SUCCEEDED and back:
            self._differ("refund is not recorded", ids)
        if payment.status != Status.SUCCEEDED and back != payment.amount:
            self._differ("refund is outstanding", ids)
        if payment.status == Status.SUCCEEDED and (order is None or order.status != OrderStatus.COMPLETE):
            self._differ("charge is kept for an order that is not complete", ids)

    def enter_order(self, order: Order, payment: Payment | None) -> None:
        """Enter an order as payments knows it, with its payment if there is one."""
        if order.status == OrderStatus.COMPLETE:
            self.complete_orders.add(order.price)
            if payment is None or payment.status != Status.SUCCEEDED:
                self._differ("complete order is not paid", order.id)

    def line(self, at: datetime) -> str:
        """Return the audit in one line."""
        told = f": {'; '.join(self.differences)}" if self.differences else ""
        return (
            f"{at:%Y-%m-%dT%H:%M:%SZ} charges {self.charges}, refunds {self.refunds}, "
            f"complete orders {self.complete_orders}, differences {len(self.differences)}{told}"
        )

    def _enter_charge(self, intent: Intent, order_id: str, payment: Payment | None, ids: str) -> None:
        self.charges.add(intent.amount)
        if back := self._refunded.get(intent.id):
            self.refunds.add(back)
        if order_id in self._charged_orders:
            self._differ("order is charged twice", ids)
        self._charged_orders[order_id] = intent.id
        if payment is None:
            self._differ("charge has no payment", ids)
        elif payment.status not in CHARGED or payment.intent_id != intent.id:
            self._differ("charge is not recorded", ids)
        elif payment.amount != intent.amount:
            self._differ("charge is of another amount", ids)

    def _differ(self, kind: str, ids: str) -> None:
        self.differences.append(f"{kind}: {ids}")


def _has_failed_by(payment: Payment, intent: Intent) -> bool:
    return (payment.status, payment.intent_id) == (Status.FAILED, intent.id)
