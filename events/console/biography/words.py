"""What an event says, in plain words."""

from collections.abc import Callable, Mapping
from typing import Any

from events.console.biography.model import Mood

Data = Mapping[str, Any]


def _reason(data: Data) -> str:
    return str(data.get("reason", "no reason is recorded")).rstrip(".")


_WORDS: dict[str, Callable[[Data], tuple[str, Mood]]] = {
    "order.created": lambda data: (
        f"A buyer reserved “{title(data)}” for {dollars(data)} until {data.get('expiresAt')}.",
        "plain",
    ),
    "order.awaiting-payment": lambda _: ("The buyer began to pay; the order awaits its payment.", "plain"),
    "order.renewed": lambda data: (f"The buyer took more time, until {data.get('expiresAt')}.", "plain"),
    "order.completed": lambda _: ("The order is complete: the ticket is sold.", "good"),
    "order.cancelled": lambda data: (f"The order was cancelled: {_reason(data)}.", "bad"),
    "ticket.created": lambda data: (f"“{data.get('title')}” was offered for {dollars(data)}.", "plain"),
    "ticket.deleted": lambda _: ("The seller deleted the ticket.", "bad"),
    "ticket.reservation-rejected": lambda data: (
        f"Tickets rejected the reservation: {_reason(data)}.",
        "bad",
    ),
    "expiration.completed": lambda data: (f"The time to pay was over ({data.get('expiresAt')}).", "plain"),
    "payment.started": lambda _: ("A payment was started.", "plain"),
    "payment.created": lambda data: (f"The card was charged {dollars(data)} ({data.get('providerId')}).", "good"),
    "payment.failed": lambda data: (f"The payment failed and nothing was charged: {_reason(data)}.", "bad"),
    "payment.overdue": lambda _: ("The payment had no outcome yet, so payments looks for it.", "plain"),
    "payment.refund-requested": lambda data: (
        f"{dollars(data)} were charged for an order that does not stand; they are to go back.",
        "bad",
    ),
    "payment.refunded": lambda data: (f"{dollars(data)} went back to the buyer.", "good"),
}

DUE = {
    "expiration.completed": "The order expires, unless it is paid or renewed by then.",
    "payment.overdue": "Payments looks for the outcome of the payment, if it has none by then.",
}


def describe(name: str, data: Data, order: str) -> tuple[str, Mood]:
    """Return what an event says about an order, and whether that is good or bad news for it."""
    if name == "ticket.updated":
        is_reserved = data.get("orderId") == order
        return ("The ticket is reserved for this order." if is_reserved else "The ticket is on sale again."), "plain"
    words = _WORDS.get(name)
    return words(data) if words else (f"{name} happened.", "plain")


def title(data: Data) -> str:
    """Return the title of an order's ticket, "" without one."""
    ticket = data.get("ticket")
    return str(ticket.get("title", "")) if isinstance(ticket, dict) else ""


def price(data: Data) -> float | None:
    """Return an amount, or the price of a ticket or of an order's ticket; None without one."""
    ticket = data.get("ticket")
    found = data.get("amount", data.get("price", ticket.get("price") if isinstance(ticket, dict) else None))
    return float(found) if isinstance(found, int | float) else None


def dollars(data: Data) -> str:
    """Return the same as text."""
    amount = price(data)
    return "an unknown amount" if amount is None else f"{amount:,.2f} USD"
