"""Orders: permissions and transitions.

created → awaiting:payment → complete, or → cancelled from the first two, or directly from created to complete.
Nothing leaves cancelled; complete is left only when its ticket turns out to be deleted.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from functions.shared.errors import Conflict, InvalidField, NotAuthorized, NotYet, RuleBroken
from functions.shared.ids import parse_id


class Status(StrEnum):
    """The status of an order, in the strings that clients know."""

    CREATED = "created"
    AWAITING_PAYMENT = "awaiting:payment"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


UNPAID = (Status.CREATED, Status.AWAITING_PAYMENT)
LIVE = (*UNPAID, Status.COMPLETE)


class AlreadyReserved(RuleBroken):
    """One ticket, one live order."""

    message = "Ticket is already reserved"


class TooManyReservations(RuleBroken):
    """A buyer holds as many unpaid orders as allowed."""

    message = "Too many reservations"


class PriceChanged(Conflict):
    """The ticket's price is not the one that the buyer saw."""

    message = "Price has changed"


class CannotRenewCancelled(RuleBroken):
    """A cancelled order has no time left."""

    message = "Cannot renew a cancelled order"


class CannotRenewPaid(RuleBroken):
    """A paid order does not expire."""

    message = "Cannot renew a paid order"


class CannotRenewExpired(RuleBroken):
    """The time to pay is over, even if the order is not cancelled yet."""

    message = "Cannot renew an expired order"


class RenewalsUsedUp(RuleBroken):
    """An order is renewed a limited number of times."""

    message = "Order cannot be renewed again"


class CannotCancelPaid(RuleBroken):
    """A paid order stands."""

    message = "Cannot cancel a paid order"


class Premature(NotYet):
    """An expiration that comes before the time that it is for."""

    message = "Order has not expired yet"


@dataclass(frozen=True)
class Ticket:
    """A ticket as orders knows it. `price` is in cents; of a deleted one only id and version are left."""

    id: str
    version: int
    title: str = ""
    price: int = 0
    deleted: bool = False

    def require_price(self, seen: int | None) -> "Ticket":
        """Return the ticket, if its price is the one that the buyer saw, in cents; None stands for any price.

        Raises:
            PriceChanged: it is another.
        """
        if seen not in {None, self.price}:
            raise PriceChanged
        return self


@dataclass(frozen=True)
class Transition:
    """One step in the life of an order: the status it reached, when, and why if that is not plain."""

    status: Status
    at: datetime
    reason: str | None = None


@dataclass(frozen=True)
class Order:
    """A buyer's reservation of a ticket, with the ticket as it stood then.

    `slot` numbers a buyer's unpaid orders from 0: no two have the same one; orders of version 0.1 have none. `history`
    begins with the creation.
    """

    id: str
    user_id: str
    expires_at: datetime
    ticket: Ticket
    status: Status = Status.CREATED
    version: int = 0
    slot: int | None = None
    renewals: int = 0
    history: tuple[Transition, ...] = ()

    def require_owner(self, user_id: str) -> "Order":
        """Return the order, if this user owns it.

        Raises:
            NotAuthorized: another user does.
        """
        if user_id != self.user_id:
            raise NotAuthorized
        return self

    def cancel(self, user_id: str, at: datetime) -> "Order":
        """Return the order, cancelled by its buyer; the same one if it was cancelled before.

        Raises:
            NotAuthorized: another user owns it.
            CannotCancelPaid: it is paid.
        """
        if self.require_owner(user_id).status == Status.COMPLETE:
            raise CannotCancelPaid
        return self._cancel(at, "cancelled by the buyer")

    def renew(self, user_id: str, at: datetime, window: timedelta, limit: int) -> "Order":
        """Return the order with `window` from now to pay, `limit` times at most; the same one if it has more than that.

        Raises:
            NotAuthorized: another user owns it.
            RuleBroken: it is cancelled, paid, expired, or was renewed `limit` times.
        """
        self._require_renewable(user_id, at)
        if at + window <= self.expires_at:
            return self
        if self.renewals >= limit:
            raise RenewalsUsedUp
        return replace(self, expires_at=at + window, renewals=self.renewals + 1, version=self.version + 1)

    def await_payment(self, at: datetime) -> "Order":
        """Return the order, awaiting its payment if it was just created."""
        return self._become(Status.AWAITING_PAYMENT, at) if self.status == Status.CREATED else self

    def mark_paid(self, at: datetime) -> "Order":
        """Return the order, complete if it was unpaid; a cancelled one stays cancelled, and payments refunds."""
        return self._become(Status.COMPLETE, at) if self.is_unpaid else self

    def payment_failed(self, at: datetime, reason: str) -> "Order":
        """Return the order, cancelled if it was unpaid."""
        return self._cancel(at, reason) if self.is_unpaid else self

    def expire(self, at: datetime, scheduled_for: datetime | None) -> "Order":
        """Return the order, cancelled if it was unpaid and not renewed since this expiration was scheduled.

        `scheduled_for` is the `expires_at` that the expiration is for; an event of an older version has none.

        Raises:
            Premature: that time has not come.
        """
        if not self.is_unpaid or (scheduled_for and scheduled_for < self.expires_at):
            return self
        if at < (scheduled_for or self.expires_at):
            raise Premature
        return self._cancel(at, "expired")

    def reject(self, at: datetime, reason: str) -> "Order":
        """Return the order, cancelled even if it is paid: its ticket does not exist."""
        return self._cancel(at, reason)

    @property
    def is_unpaid(self) -> bool:
        """Tell if the order can still be paid, as far as its status says."""
        return self.status in UNPAID

    def _require_renewable(self, user_id: str, at: datetime) -> None:
        if self.require_owner(user_id).status == Status.CANCELLED:
            raise CannotRenewCancelled
        if self.status == Status.COMPLETE:
            raise CannotRenewPaid
        if at >= self.expires_at:
            raise CannotRenewExpired

    def _cancel(self, at: datetime, reason: str) -> "Order":
        return self if self.status == Status.CANCELLED else self._become(Status.CANCELLED, at, reason)

    def _become(self, status: Status, at: datetime, reason: str | None = None) -> "Order":
        history = (*self.history, Transition(status, at, reason))
        return replace(self, status=status, version=self.version + 1, history=history)


def reserve(order_id: str, user_id: str, ticket: Ticket, at: datetime, window: timedelta) -> Order:
    """Return a new order, which expires after `window` unless it is paid."""
    return Order(order_id, user_id, at + window, ticket, history=(Transition(Status.CREATED, at),))


def parse_ticket_id(value: object) -> str:
    """Return the id of the ticket to reserve.

    Raises:
        InvalidField: it is not an id.
    """
    if (found := parse_id(value)) is None:
        raise InvalidField("TicketId must be provided")
    return found
