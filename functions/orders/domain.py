"""Orders: who may do what with one, and which status follows which.

created → awaiting:payment → complete, or → cancelled from the first two, or directly from created to complete.
Nothing leaves cancelled; complete is left only when its ticket turns out to be deleted.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from functions.shared.errors import InvalidField, NotAuthorized, NotYet, RuleBroken
from functions.shared.ids import parse_id


class Status(StrEnum):
    """The exact strings are known to clients."""

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
    """An expiry that comes before its order expires."""

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
        """The order, if it is this user's own."""
        if user_id != self.user_id:
            raise NotAuthorized
        return self

    def cancelled_by(self, user_id: str) -> "Order":
        """The order, cancelled by its buyer; the same one if it was cancelled before."""
        if self.require_owner(user_id).status == Status.COMPLETE:
            raise CannotCancelPaid
        return self._cancelled()

    def awaiting_payment(self) -> "Order":
        """The order when its buyer begins to pay; said late, it changes nothing."""
        return self._become(Status.AWAITING_PAYMENT) if self.status == Status.CREATED else self

    def paid(self) -> "Order":
        """The order when it is paid; a cancelled one stays that, and the money goes back."""
        return self._become(Status.COMPLETE) if self.status in UNPAID else self

    def unpaid(self) -> "Order":
        """The order when its payment failed: cancelled."""
        return self._cancelled() if self.status in UNPAID else self

    def expired(self, at: datetime) -> "Order":
        """The order when its time is over: cancelled unless it is paid."""
        if self.status not in UNPAID:
            return self
        if at < self.expires_at:
            raise Premature
        return self._cancelled()

    def rejected(self) -> "Order":
        """The order when its ticket no longer exists: cancelled, even if it is paid."""
        return self._cancelled()

    def _cancelled(self) -> "Order":
        return self if self.status == Status.CANCELLED else self._become(Status.CANCELLED)

    def _become(self, status: Status) -> "Order":
        return replace(self, status=status, version=self.version + 1)


def parse_ticket_id(value: object) -> str:
    """The id of the ticket to reserve."""
    if (found := parse_id(value)) is None:
        raise InvalidField("TicketId must be provided")
    return found
