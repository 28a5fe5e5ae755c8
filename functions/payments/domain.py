"""Payments: an order has one, ever; a payment has one PaymentIntent.

pending → succeeded or failed. A charge that its order no longer takes goes back: → refunding → refunded.

A pending payment without an intent cannot be charged: it fails by a write of ours. One with an intent may be, until the
provider says that the intent has ended, succeeded or canceled. So failed means: no money, now and later.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NoReturn

from functions.payments.intent import CURRENCY, Decline, Intent, Outcome
from functions.shared.errors import InProgress, InvalidField, NotAuthorized, PaymentRequired, RuleBroken
from functions.shared.ids import parse_id

# A token of Stripe.js, or a payment method's id.
_TOKEN = re.compile(r"(tok|pm)_\w{1,250}", re.ASCII)


class OrderStatus(StrEnum):
    """Those that decide whether an order can be paid."""

    COMPLETE = "complete"
    CANCELLED = "cancelled"


class Status(StrEnum):
    """How far a payment is."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class Confirmer(StrEnum):
    """Who tells the provider to charge: we, with a token, or the buyer's browser, with the provider's own script."""

    SERVICE = "service"
    BROWSER = "browser"


class CannotPayCancelled(RuleBroken):
    """The order is cancelled."""

    message = "Cannot pay for a cancelled order"


class CannotPayExpired(RuleBroken):
    """The time to pay is over, even if the order is not cancelled yet."""

    message = "Cannot pay for an expired order"


class AlreadyPaid(RuleBroken):
    """An order is charged once."""

    message = "Order is already paid"


class BadSignature(RuleBroken):
    """A webhook that the provider did not sign, or too long ago."""

    message = "Invalid signature"


class PaymentInProgress(InProgress):
    """The outcome of the order's payment is not known yet."""

    message = "Payment in progress"


class AmountDiffers(Exception):
    """The intent of a payment is for another amount than the payment: a person has to look."""


class Declined(PaymentRequired):
    """The card was not charged, for the reason that the card network gives."""


@dataclass(frozen=True)
class Order:
    """An order as payments knows it. `price` is in cents."""

    id: str
    user_id: str
    status: str
    expires_at: datetime
    price: int
    version: int

    @property
    def is_cancelled(self) -> bool:
        """Say if no charge may be kept for it."""
        return self.status == OrderStatus.CANCELLED

    def require_owner(self, user_id: str) -> "Order":
        """Return the order if it is this user's own.

        Raises:
            NotAuthorized: it is another's.
        """
        if user_id != self.user_id:
            raise NotAuthorized
        return self

    def require_payable(self, at: datetime) -> "Order":
        """Return the order if it can be paid for at this time.

        Raises:
            CannotPayCancelled: it is cancelled.
            AlreadyPaid: it is complete.
            CannotPayExpired: its time is over.
        """
        if self.is_cancelled:
            raise CannotPayCancelled
        if self.status == OrderStatus.COMPLETE:
            raise AlreadyPaid
        if at >= self.expires_at:
            raise CannotPayExpired
        return self

    def is_payable(self, at: datetime) -> bool:
        """Say if it can be paid for at this time."""
        try:
            self.require_payable(at)
        except RuleBroken:
            return False
        return True


@dataclass(frozen=True)
class Payment:
    """The payment of an order. `amount` is in cents; `intent_id` is the PaymentIntent's, once it is stored.

    `request` tells the request that started it from all others, if that can be told. `confirmer` is None in rows of
    versions that made the intent and charged it in one request, and stored its id only when it was charged.
    """

    id: str
    order_id: str
    amount: int
    started_at: datetime
    status: Status = Status.PENDING
    intent_id: str = ""
    reason: str = ""
    request: str | None = None
    confirmer: Confirmer | None = Confirmer.SERVICE

    @property
    def is_pending(self) -> bool:
        """Say if its outcome is not known yet."""
        return self._is(Status.PENDING)

    @property
    def is_browsers(self) -> bool:
        """Say if the buyer's browser confirms it, maybe with one card after another."""
        return self.confirmer == Confirmer.BROWSER

    def is_of(self, intent: Intent) -> bool:
        """Say if that is its intent: others with the same account may name our payments too.

        Raises:
            AmountDiffers: it is, and for another amount.
        """
        is_known = bool(self.intent_id) or self.confirmer is not None
        is_ours = (intent.amount, intent.currency) == (self.amount, CURRENCY)
        if is_known and intent.id == self.intent_id and not is_ours:
            raise AmountDiffers(f"{intent.id} is for {intent.amount} {intent.currency}, not {self.amount} {CURRENCY}")
        return intent.id == self.intent_id if is_known else is_ours

    def take_from_browser(self, request: str | None) -> "Payment":
        """Return the payment as one that we confirm from now on, with the token that this request brought."""
        return replace(self, confirmer=Confirmer.SERVICE, request=request)

    def settle(self, outcome: Outcome, order: Order) -> "Payment":
        """Return the payment with its outcome: an order that stands keeps a charge, else the money goes back."""
        if isinstance(outcome, Decline):
            return replace(self, status=Status.FAILED, reason=outcome.reason) if self.is_pending else self
        if not self._is(Status.PENDING, Status.FAILED):
            return self
        keeps = self.is_pending and not order.is_cancelled
        return replace(
            self, status=Status.SUCCEEDED if keeps else Status.REFUNDING, intent_id=outcome.intent_id, reason=""
        )

    def refund_if_charged(self) -> "Payment":
        """Return the payment of an order that was cancelled: a charge goes back; what is pending is settled next."""
        return replace(self, status=Status.REFUNDING) if self._is(Status.SUCCEEDED) else self

    def mark_refunded(self) -> "Payment":
        """Return the payment when the money has gone back."""
        return replace(self, status=Status.REFUNDED) if self._is(Status.REFUNDING) else self

    def require_outcome(self) -> "Payment":
        """Return the payment if its outcome is known.

        Raises:
            PaymentInProgress: it is not known yet.
        """
        if self.is_pending:
            raise PaymentInProgress
        return self

    def reject_second(self) -> NoReturn:
        """Reject another payment for the order.

        Raises:
            PaymentInProgress: the outcome of this one is not known yet.
            AlreadyPaid: it was charged.
            CannotPayCancelled: it failed or went back, so its order is cancelled or will be in a moment.
        """
        self.require_outcome()
        raise AlreadyPaid if self._is(Status.SUCCEEDED) else CannotPayCancelled

    def require_paid(self) -> "Payment":
        """Return the payment if the order is paid by it.

        Raises:
            PaymentInProgress: its outcome is not known yet.
            Declined: no money was taken.
            CannotPayCancelled: it was, and goes back.
        """
        self.require_outcome()
        if self._is(Status.FAILED):
            raise Declined(self.reason)
        if not self._is(Status.SUCCEEDED):
            raise CannotPayCancelled
        return self

    def _is(self, *statuses: Status) -> bool:
        return self.status in statuses


def parse_order_id(value: object) -> str:
    """Return the id of the order to pay for.

    Raises:
        InvalidField: it is not an id.
    """
    if (found := parse_id(value)) is None:
        raise InvalidField("OrderId must be provided")
    return found


def parse_token(value: object) -> str | None:
    """Return what the provider made of the buyer's card; None if nothing was sent, so that a browser confirms.

    Raises:
        InvalidField: it is neither a token nor the id of a payment method.
    """
    if value is None:
        return None
    if isinstance(value, str) and _TOKEN.fullmatch(value):
        return value
    raise InvalidField("Token must be a card token (tok_...) or a payment method (pm_...)")
