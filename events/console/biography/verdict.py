"""The answer to "what became of this order, and why?", from its events and their deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from events.console.biography import words
from events.console.biography.found import Found
from events.console.biography.model import Biography, Delivery, Entry, Mood, Scheduled

_SLOW = timedelta(seconds=30)  # after which a delivery under way is worth a word

_CAUSES = {"expiration.completed", "payment.failed", "ticket.reservation-rejected"}
_FAILING = {"retrying", "dead letter"}


@dataclass(frozen=True, slots=True)
class _Answer:
    mood: Mood
    headline: str
    explanation: list[str]
    advice: str = ""


def biography(order: str, found: Sequence[Found], entries: list[Entry], scheduled: list[Scheduled]) -> Biography:
    """Return the biography that events with their deliveries, and what is scheduled, make."""
    states = [one for one in found if one.name.startswith("order.") and one.data.get("id") == order]
    latest = max(states, key=lambda one: (one.data.get("version", 0), one.stored.sequence)).data
    answer = _answer(str(latest.get("status")), latest, found, entries)
    return Biography(
        order=order,
        title=words.title(latest),
        price=words.price(latest),
        status=str(latest.get("status")),
        buyer=str(latest.get("userId", "")),
        ticket=str(latest.get("ticket", {}).get("id", "")),
        mood=answer.mood,
        headline=answer.headline,
        explanation=answer.explanation,
        advice=answer.advice,
        entries=entries,
        scheduled=scheduled,
        traces=list(dict.fromkeys(one.trace for one in entries if one.trace)),
    )


def _answer(status: str, latest: words.Data, found: Sequence[Found], entries: list[Entry]) -> _Answer:
    if failing := [(one, delivery) for one in entries for delivery in one.deliveries if delivery.state in _FAILING]:
        return _stuck(status, *failing[0], len(failing))
    if status == "cancelled":
        return _cancelled(latest, found)
    if status == "complete":
        paid = _last(found, "payment.created")
        charge = f"The card was charged {words.dollars(paid.data)} at {_at(paid)}." if paid else ""
        return _Answer("good", "Complete: it was paid, and the ticket is sold.", [charge] if charge else [])
    return _unpaid(status, latest, entries)


def _stuck(status: str, entry: Entry, delivery: Delivery, count: int) -> _Answer:
    dead, trigger = delivery.state == "dead letter", delivery.trigger
    tries = f"{delivery.attempts} attempts" if delivery.attempts != 1 else "1 attempt"
    explanation = [
        f"The order is “{status}”. {entry.name} of {entry.time.isoformat()} waits for the function {trigger}.",
        f"Why: {_sentence(delivery.reason)}"
        if delivery.reason
        else "Why is not recorded; the log lines of the bridge tell it.",
    ]
    if dead:
        explanation.append(f"After {tries} it was given up and kept as dead letter {delivery.letter}.")
    else:
        explanation.append("It is retried by itself, at most a minute apart, for a day; nothing is lost.")
    if count > 1:
        explanation.append(f"{count - 1} more deliveries of this order fail, too.")
    headline = f"Stuck: {trigger} {'rejected' if dead else 'does not accept'} {entry.name}."
    advice = f"Mend {trigger}, then replay its dead letters." if dead else f"Mend or restart {trigger}."
    return _Answer("bad", headline, explanation, advice)


def _cancelled(latest: words.Data, found: Sequence[Found]) -> _Answer:
    cancelled = _last(found, "order.cancelled")
    cause = _cause(found, cancelled)
    reason = str(cancelled.data.get("reason", "")) if cancelled else ""
    explanation = [_because(reason, cause, latest)]
    explanation += _money(found, cancelled)
    kind = cause.name if cause else ""
    headline = {
        "expiration.completed": "Cancelled: it was not paid in time.",
        "payment.failed": "Cancelled: its payment failed.",
        "ticket.reservation-rejected": "Cancelled: its ticket had been deleted.",
    }.get(kind, f"{_sentence(reason)}" if reason.startswith("cancelled") else f"Cancelled: {_sentence(reason)}")
    if refunded := _last(found, "payment.refunded"):
        headline = f"{headline[:-1]}, and {words.dollars(refunded.data)} were refunded."
    return _Answer("bad", headline, explanation)


def _cause(found: Sequence[Found], cancelled: Found | None) -> Found | None:
    """Return the event that had the order cancelled, None if a person did, or the sweep."""
    if cancelled is None:
        return None
    reason, before = cancelled.data.get("reason"), cancelled.stored.sequence
    causes = [one for one in found if one.name in _CAUSES and one.stored.sequence < before]
    wanted = {"expired": "expiration.completed", "cancelled by the buyer": ""}.get(str(reason))
    return next((one for one in reversed(causes) if one.name == wanted or one.data.get("reason") == reason), None)


def _because(reason: str, cause: Found | None, latest: words.Data) -> str:
    if reason == "expired":
        how = f"expiration.completed came at {_at(cause)}" if cause else "orders-sweep found it overdue"
        return f"Its time to pay ended at {latest.get('expiresAt')}; {how}, and the ticket was released."
    if cause is None:
        return f"The reason that was recorded: {_sentence(reason)} Nothing failed."
    if cause.name == "payment.failed":
        return f"The payment of {_at(cause)} failed: {_sentence(reason)} An order has one payment only."
    return (
        f"Tickets rejected the reservation at {_at(cause)}: {_sentence(reason)} The seller was faster than the order."
    )


def _money(found: Sequence[Found], cancelled: Found | None) -> list[str]:
    """Tell what was charged for an order that does not stand, and how far that went back."""
    paid, asked = _last(found, "payment.created"), _last(found, "payment.refund-requested")
    refunded = _last(found, "payment.refunded")
    if asked is None:
        return [] if paid else ["No money was taken."]
    late = cancelled is not None and asked.stored.sequence > cancelled.stored.sequence and paid is None
    first = "The charge came when the order was cancelled already" if late else "The order had been paid"
    told = [f"{first}: {words.dollars(asked.data)} were to go back from {_at(asked)} on."]
    if refunded:
        return [*told, f"They went back at {_at(refunded)}."]
    return [*told, "They have not gone back yet: payments-refund has still to succeed."]


def _unpaid(status: str, latest: words.Data, entries: list[Entry]) -> _Answer:
    expires = _time(latest.get("expiresAt"))
    doing = "its buyer is paying" if status == "awaiting:payment" else "it is reserved, and not paid yet"
    slow = [one for one in entries if _is_slow(one)]
    explanation = [f"{one.name} of {one.time.isoformat()} is still being delivered." for one in slow]
    if expires and expires + _SLOW < datetime.now(UTC):
        text = f"Its time ended at {expires.isoformat()}, and it has neither been paid nor cancelled."
        return _Answer("bad", "Overdue: it should have ended.", [text, *explanation], "Look at orders-expire.")
    until = f" until {expires.isoformat()}" if expires else ""
    return _Answer("plain", f"Under way: {doing}{until}.", explanation)


def _sentence(text: str) -> str:
    """Return a text that begins with a capital and ends with a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _is_slow(entry: Entry) -> bool:
    waits = any(one.state in {"waiting", "under way"} for one in entry.deliveries)
    return waits and entry.time + _SLOW < datetime.now(UTC)


def _last(found: Sequence[Found], name: str) -> Found | None:
    return next((one for one in reversed(found) if one.name == name), None)


def _at(found: Found | None) -> str:
    return found.stored.time.isoformat() if found else ""


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
