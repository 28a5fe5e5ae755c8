"""What clients were told, which must hold after any kill. What they were not told may be or not."""

from contextlib import suppress
from dataclasses import dataclass, field


@dataclass
class Offer:
    """A ticket as its seller knows it; an edit without an answer may have been made, or may come late."""

    title: str
    doubtful: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Reservation:
    """An order as its buyer knows it."""

    buyer: str
    ticket: str


@dataclass
class Ledger:
    """Holds what clients were told. Many threads write, each of them in single steps."""

    people: list[str] = field(default_factory=list)  # emails
    offers: dict[str, Offer] = field(default_factory=dict)
    on_sale: list[str] = field(default_factory=list)
    taken_back: set[str] = field(default_factory=set)
    perhaps_taken_back: set[str] = field(default_factory=set)
    orders: dict[str, Reservation] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    paid: set[str] = field(default_factory=set)
    declined: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)  # reservations of what another buyer has
    faults: list[str] = field(default_factory=list)  # 5xx, and requests without an answer
    surprises: list[str] = field(default_factory=list)  # answers that must not be given

    def withdraw(self, ticket: str) -> None:
        """Take a ticket off the list of those to reserve; its seller and its buyer may do so at the same time."""
        with suppress(ValueError):
            self.on_sale.remove(ticket)
