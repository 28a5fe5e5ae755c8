"""Tickets for sale: permissions, changes, reservation."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from functions.shared.errors import InvalidField, NotAuthorized, RuleBroken

MAX_TITLE = 200


class CannotEditReserved(RuleBroken):
    """A live order has it at its present title and price."""

    message = "Cannot edit a reserved ticket"


class CannotDeleteReserved(RuleBroken):
    """A live order has it."""

    message = "Cannot delete a reserved ticket"


class Status(StrEnum):
    """What becomes of a ticket; the exact strings are known to clients."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    SOLD = "sold"


@dataclass(frozen=True)
class Ticket:
    """A ticket for sale. `price` is in cents; `order_id` is the live order that reserves it, `sold` if that is paid."""

    id: str
    user_id: str
    title: str
    price: int
    version: int = 0
    order_id: str | None = None
    sold: bool = False

    @property
    def status(self) -> Status:
        """Return what its seller sees of it."""
        if self.order_id is None:
            return Status.AVAILABLE
        return Status.SOLD if self.sold else Status.RESERVED

    def edit(self, user_id: str, title: str, price: int) -> "Ticket":
        """Return the next version, with another title and price.

        Raises:
            NotAuthorized: another user sells it.
            CannotEditReserved: it is reserved.
        """
        self._require_owner(user_id)
        if self.order_id:
            raise CannotEditReserved
        return replace(self, title=title, price=price, version=self.version + 1)

    def delete(self, user_id: str) -> "Ticket":
        """Return the last version.

        Raises:
            NotAuthorized: another user sells it.
            CannotDeleteReserved: it is reserved.
        """
        self._require_owner(user_id)
        if self.order_id:
            raise CannotDeleteReserved
        return replace(self, version=self.version + 1)

    def reserve_for(self, holder: "Reservation | None") -> "Ticket":
        """Return the ticket, reserved for an order or, for None, released.

        Its version is the next one if that changes `order_id`, which others see.
        """
        order_id, sold = (holder.order_id, holder.paid) if holder else (None, False)
        version = self.version if order_id == self.order_id else self.version + 1
        return replace(self, order_id=order_id, sold=sold, version=version)

    @property
    def sale(self) -> "Reservation | None":
        """Return the reservation that the ticket is sold by, which outlives its row; None if it is not sold.

        Its version is lower than any.
        """
        if self.order_id is None or not self.sold:
            return None
        return Reservation(self.order_id, self.id, version=-1, live=True, paid=True)

    def _require_owner(self, user_id: str) -> None:
        if user_id != self.user_id:
            raise NotAuthorized


@dataclass(frozen=True)
class Reservation:
    """What tickets knows of one order: the highest version seen, and if the order is live and paid in it."""

    order_id: str
    ticket_id: str
    version: int
    live: bool
    paid: bool = False

    @property
    def is_final(self) -> bool:
        """Tell if the order has ended or is paid. A paid one may only end, if its ticket was deleted."""
        return self.paid or not self.live


def holder(reservations: Iterable[Reservation]) -> Reservation | None:
    """Return the reservation that a ticket has: that of the youngest live order.

    While the end of an old order is still under way, two may look live; ids grow with time.
    """
    live = (reservation for reservation in reservations if reservation.live)
    return max(live, key=lambda reservation: reservation.order_id, default=None)


def parse_title(value: object) -> str:
    """Return a title, stripped of surrounding space.

    Raises:
        InvalidField: it is blank or too long.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidField("Title is required")
    if len(value) > MAX_TITLE:
        raise InvalidField(f"Title must be at most {MAX_TITLE} characters")
    return value.strip()
