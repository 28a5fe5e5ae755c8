"""The comparison of an audit: each kind of difference is found, and nothing where all is right."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from functions.payments.books import Books
from functions.payments.domain import Order, Payment, Status
from functions.payments.intent import Intent

AT = datetime(2030, 1, 1, tzinfo=UTC)
CENTS = 2000


class Accounts:
    """An order that is paid, one whose charge went back, one whose card was declined; a test changes any of it."""

    def __init__(self) -> None:
        self.orders = {name: _order(name) for name in ("paid", "late", "declined")}
        self.orders["late"] = replace(self.orders["late"], status="cancelled")
        self.orders["declined"] = replace(self.orders["declined"], status="cancelled")
        self.payments = {
            "paid": _payment("paid", Status.SUCCEEDED),
            "late": _payment("late", Status.REFUNDED),
            "declined": _payment("declined", Status.FAILED),
        }
        self.intents = [_intent("paid"), _intent("late"), _intent("declined", "canceled")]
        self.refunds = [("pi_late", CENTS), ("pi_of_another_shop", 5)]

    def audit(self) -> Books:
        """The books with all of it, in the order in which an audit enters it."""
        books = Books()
        for refund in self.refunds:
            books.enter_refund(*refund)
        for intent in self.intents:
            name = intent.id.removeprefix("pi_").rstrip("2")
            books.enter_intent(intent, name, name, self.payments.get(name))
        for name, payment in self.payments.items():
            books.enter_payment(payment, self.orders.get(name))
        for name, order in self.orders.items():
            books.enter_order(order, self.payments.get(name))
        return books


def _order(name: str) -> Order:
    return Order(name, "buyer", "complete", AT, CENTS, 2)


def _payment(name: str, status: Status) -> Payment:
    return Payment(name, name, CENTS, AT, status, f"pi_{name}")


def _intent(name: str, status: str = "succeeded", amount: int = CENTS) -> Intent:
    return Intent(f"pi_{name}", status, amount, "usd")


def test_what_is_right_is_one_line_without_differences() -> None:
    assert Accounts().audit().line(AT) == (
        "2030-01-01T00:00:00Z charges 2 (40.00 USD), refunds 1 (20.00 USD), complete orders 1 (20.00 USD), "
        "differences 0"
    )


def change(name: str, status: Status) -> Callable[[Accounts], object]:
    def apply(accounts: Accounts) -> None:
        accounts.payments[name] = replace(accounts.payments[name], status=status)

    return apply


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("charge is not recorded: pi_paid", change("paid", Status.PENDING)),
        ("charge is not recorded: pi_late", change("late", Status.FAILED)),
        ("charge has no payment: pi_paid", lambda found: found.payments.pop("paid")),
        ("charge is of another amount: pi_paid", lambda found: found.intents.insert(0, _intent("paid", amount=1))),
        ("order is charged twice: pi_paid2", lambda found: found.intents.append(_intent("paid2"))),
        ("intent of a failed payment is open: pi_declined", lambda f: f.intents.append(_intent("declined", "x"))),
        ("recorded charge is not at the provider: paid", lambda found: found.intents.pop(0)),
        ("recorded charge is not at the provider: declined", change("declined", Status.SUCCEEDED)),
        ("refund is not recorded: paid", lambda found: found.refunds.append(("pi_paid", CENTS))),
        ("refund is outstanding: late", lambda found: found.refunds.pop(0)),
        ("refund is outstanding: late", lambda found: found.refunds.append(("pi_late", 1))),
        ("charge is kept for an order that is not complete: late", change("late", Status.SUCCEEDED)),
        ("charge is kept for an order that is not complete: paid", lambda found: found.orders.pop("paid")),
        ("complete order is not paid: paid", change("paid", Status.REFUNDED)),
        ("complete order is not paid: paid", lambda found: found.payments.pop("paid")),
    ],
)
def test_each_kind_of_difference_is_found(kind: str, spoil: Callable[[Accounts], object]) -> None:
    accounts = Accounts()
    spoil(accounts)
    books = accounts.audit()
    assert any(told.startswith(kind) for told in books.differences), books.differences
    assert f"differences {len(books.differences)}: " in books.line(AT)
