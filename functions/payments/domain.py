"""Payments: an order has one, ever. What becomes of it, in whatever order things become known.

pending → succeeded or failed. A charge that its order no longer takes goes back: → refunding → refunded.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NoReturn

from functions.shared.errors import InProgress, InvalidField, NotAuthorized, PaymentRequired, RuleBroken
from functions.shared.ids import parse_id

CURRENCY = "usd"
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


class CannotPayCancelled(RuleBroken):
    """There is nothing to pay for any more."""

    message = "Cannot pay for a cancelled order"


class CannotPayExpired(RuleBroken):
    """The time to pay is over, even if that has not been acted on yet."""

    message = "Cannot pay for an expired order"


class AlreadyPaid(RuleBroken):
    """An order is charged once."""

    message = "Order is already paid"


class BadSignature(RuleBroken):
    """A webhook that the provider did not sign, or too long ago."""

    message = "Invalid signature"


class PaymentInProgress(InProgress):
    """The provider has been asked, and it is not known here what came of it."""

    message = "Payment in progress"


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
        """Whether no charge may be kept for it."""
        return self.status == OrderStatus.CANCELLED

    def require_owner(self, user_id: str) -> "Order":
        """The order, if it is this user's own."""
        if user_id != self.user_id:
            raise NotAuthorized
        return self

    def payable(self, at: datetime) -> "Order":
        """The order, if it can be paid for at this time."""
        if self.is_cancelled:
            raise CannotPayCancelled
        if self.status == OrderStatus.COMPLETE:
            raise AlreadyPaid
        if at >= self.expires_at:
            raise CannotPayExpired
        return self


@dataclass(frozen=True)
class Charge:
    """What the provider says: the money was taken. `provider_id` is its own name for that."""

    provider_id: str


@dataclass(frozen=True)
class Decline:
    """What the provider says: no money was taken."""

    reason: str


Outcome = Charge | Decline


@dataclass(frozen=True)
class Payment:
    """The payment of an order. `amount` is in cents; `provider_id` is there once money was taken.

    `request` tells the request that started it from all others, if that can be told.
    """

    id: str
    order_id: str
    amount: int
    started_at: datetime
    status: Status = Status.PENDING
    provider_id: str = ""
    reason: str = ""
    request: str | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it is not known yet what came of it."""
        return self._is(Status.PENDING)

    def asked_for(self, amount: int, currency: str) -> bool:
        """Whether that is what its charge was asked for. Others with the same account may name our payments too."""
        return (amount, currency) == (self.amount, CURRENCY)

    def settled(self, outcome: Outcome, order: Order) -> "Payment":
        """The payment when its outcome is known: a charge is kept by an order that stands, else it goes back."""
        if isinstance(outcome, Decline):
            return replace(self, status=Status.FAILED, reason=outcome.reason) if self._is(Status.PENDING) else self
        if not self._is(Status.PENDING, Status.FAILED):
            return self
        keeps = self._is(Status.PENDING) and not order.is_cancelled
        return replace(
            self, status=Status.SUCCEEDED if keeps else Status.REFUNDING, provider_id=outcome.provider_id, reason=""
        )

    def order_cancelled(self) -> "Payment":
        """The payment when its order is cancelled: what was charged goes back; what is pending may be charged yet."""
        return replace(self, status=Status.REFUNDING) if self._is(Status.SUCCEEDED) else self

    def refunded(self) -> "Payment":
        """The payment when the money has gone back."""
        return replace(self, status=Status.REFUNDED) if self._is(Status.REFUNDING) else self

    def require_outcome(self) -> "Payment":
        """The payment, if it is known what came of it.

        Raises:
            PaymentInProgress: it is not known yet.
        """
        if self.is_pending:
            raise PaymentInProgress
        return self

    def reject_second(self) -> NoReturn:
        """An order that has a payment gets no other.

        Raises:
            PaymentInProgress: its outcome is not known yet.
            AlreadyPaid: it was charged.
            CannotPayCancelled: it failed or went back, so its order is cancelled or will be in a moment.
        """
        self.require_outcome()
        raise AlreadyPaid if self._is(Status.SUCCEEDED) else CannotPayCancelled

    def require_paid(self) -> "Payment":
        """The payment, if the order is paid by it.

        Raises:
            Declined: no money was taken.
            CannotPayCancelled: it was, and goes back.
        """
        if self._is(Status.FAILED):
            raise Declined(self.reason)
        if not self._is(Status.SUCCEEDED):
            raise CannotPayCancelled
        return self

    def _is(self, *statuses: Status) -> bool:
        return self.status in statuses


def parse_order_id(value: object) -> str:
    """The id of the order to pay for."""
    if (found := parse_id(value)) is None:
        raise InvalidField("OrderId must be provided")
    return found


def parse_token(value: object) -> str:
    """What the provider made of the buyer's card."""
    if isinstance(value, str) and _TOKEN.fullmatch(value):
        return value
    raise InvalidField("Token must be provided")
