"""Tickets for sale: who may change one, and when it is reserved."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from functions.shared.errors import InvalidField, NotAuthorized, RuleBroken

LONGEST_TITLE = 200


class CannotEditReserved(RuleBroken):
    """Somebody is buying it as it is."""

    message = "Cannot edit a reserved ticket"


class CannotDeleteReserved(RuleBroken):
    """Somebody is buying it."""

    message = "Cannot delete a reserved ticket"


@dataclass(frozen=True)
class Ticket:
    """A ticket for sale. `price` is in cents; `order_id` is the live order that reserves it."""

    id: str
    user_id: str
    title: str
    price: int
    version: int = 0
    order_id: str | None = None

    def edited(self, editor: str, title: str, price: int) -> "Ticket":
        """The next version, with another title and price."""
        self._owned_by(editor)
        if self.order_id:
            raise CannotEditReserved
        return replace(self, title=title, price=price, version=self.version + 1)

    def deletable(self, deleter: str) -> "Ticket":
        """The last version, with which it ends."""
        self._owned_by(deleter)
        if self.order_id:
            raise CannotDeleteReserved
        return replace(self, version=self.version + 1)

    def reserved_for(self, order_id: str | None) -> "Ticket":
        """The next version, reserved for another order or released; the same one if nothing changes."""
        if order_id == self.order_id:
            return self
        return replace(self, order_id=order_id, version=self.version + 1)

    def _owned_by(self, user_id: str) -> None:
        if user_id != self.user_id:
            raise NotAuthorized


@dataclass(frozen=True)
class Reservation:
    """What tickets knows of one order: the highest version seen, and whether that one holds its ticket."""

    order_id: str
    ticket_id: str
    version: int
    live: bool


def holder(reservations: Iterable[Reservation]) -> str | None:
    """The order that a ticket is reserved for: the youngest live one.

    While the end of an old order is still on its way two may look live; ids grow with time.
    """
    return max((r.order_id for r in reservations if r.live), default=None)


def parse_title(value: object) -> str:
    """A title that says something."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidField("Title is required")
    if len(value) > LONGEST_TITLE:
        raise InvalidField(f"Title must be at most {LONGEST_TITLE} characters")
    return value.strip()
