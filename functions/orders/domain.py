"""Orders: permissions and transitions.

created → awaiting:payment → complete, or → cancelled from the first two, or directly from created to complete.
Nothing leaves cancelled; complete is left only when its ticket turns out to be deleted.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from functions.shared.errors import InvalidField, NotAuthorized, NotYet, RuleBroken
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


class CannotCancelPaid(RuleBroken):
    """A paid order stands."""

    message = "Cannot cancel a paid order"


class Premature(NotYet):
    """An expiration that comes before its order's `expires_at`."""

    message = "Order has not expired yet"


@dataclass(frozen=True)
class Ticket:
    """A ticket as orders knows it. `price` is in cents; of a deleted one only id and version are left."""

    id: str
    version: int
    title: str = ""
    price: int = 0
    deleted: bool = False


@dataclass(frozen=True)
class Order:
    """A buyer's reservation of a ticket, with the ticket as it stood then."""

    id: str
    user_id: str
    expires_at: datetime
    ticket: Ticket
    status: Status = Status.CREATED
    version: int = 0

    def require_owner(self, user_id: str) -> "Order":
        """Return the order, if this user owns it.

        Raises:
            NotAuthorized: another user does.
        """
        if user_id != self.user_id:
            raise NotAuthorized
        return self

    def cancel(self, user_id: str) -> "Order":
        """Return the order, cancelled by its buyer; the same one if it was cancelled before.

        Raises:
            NotAuthorized: another user owns it.
            CannotCancelPaid: it is paid.
        """
        if self.require_owner(user_id).status == Status.COMPLETE:
            raise CannotCancelPaid
        return self._cancel()

    def await_payment(self) -> "Order":
        """Return the order, awaiting its payment if it was just created."""
        return self._become(Status.AWAITING_PAYMENT) if self.status == Status.CREATED else self

    def mark_paid(self) -> "Order":
        """Return the order, complete if it was unpaid; a cancelled one stays cancelled, and payments refunds."""
        return self._become(Status.COMPLETE) if self.status in UNPAID else self

    def payment_failed(self) -> "Order":
        """Return the order, cancelled if it was unpaid."""
        return self._cancel() if self.status in UNPAID else self

    def expire(self, at: datetime) -> "Order":
        """Return the order, cancelled if it was unpaid.

        Raises:
            Premature: it has not expired at that time.
        """
        if self.status not in UNPAID:
            return self
        if at < self.expires_at:
            raise Premature
        return self._cancel()

    def reject(self) -> "Order":
        """Return the order, cancelled even if it is paid: its ticket does not exist."""
        return self._cancel()

    def _cancel(self) -> "Order":
        return self if self.status == Status.CANCELLED else self._become(Status.CANCELLED)

    def _become(self, status: Status) -> "Order":
        return replace(self, status=status, version=self.version + 1)


def parse_ticket_id(value: object) -> str:
    """Return the id of the ticket to reserve.

    Raises:
        InvalidField: it is not an id.
    """
    if (found := parse_id(value)) is None:
        raise InvalidField("TicketId must be provided")
    return found
