"""Conditions as Knative's objects report them (knative/specs, common/error-signalling.md)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

READY = "Ready"

_PENDING = "Pending"

Status = Literal["True", "False", "Unknown"]
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """`reason` is a word in CamelCase, `message` a sentence; what is fine needs neither."""

    type: str
    status: Status
    reason: str = ""
    message: str = ""

    @classmethod
    def true(cls, kind: str, reason: str = "", message: str = "") -> "Condition":
        """It holds."""
        return cls(kind, "True", reason, message)

    @classmethod
    def false(cls, kind: str, reason: str, message: str) -> "Condition":
        """It does not hold, and will not unless something changes."""
        return cls(kind, "False", reason, message)

    @classmethod
    def pending(cls, kind: str, message: str) -> "Condition":
        """Nothing is known here yet."""
        return cls(kind, "Unknown", _PENDING, message)


def known_fields(fields: Mapping[str, tuple[Condition, Any]]) -> dict[str, Any]:
    """The values whose conditions are known: what is pending stays as it was reported."""
    return {name: value for name, (condition, value) in fields.items() if condition.reason != _PENDING}


def settled(conditions: Iterable[Condition], reported: Sequence[Entry]) -> tuple[Condition, ...]:
    """Conditions with Ready before them, which holds if all do.

    What is pending here stays as it was reported for the same generation: another replica may know, or this one may
    have known before it was started anew.
    """
    before = {entry["type"]: entry for entry in reported}
    known = [_as_reported(before, one) if one.reason == _PENDING else one for one in conditions]
    worst = next((one for status in ("False", "Unknown") for one in known if one.status == status), None)
    ready = Condition(READY, worst.status, worst.reason, worst.message) if worst else Condition.true(READY)
    return (ready, *known)


def _as_reported(before: Mapping[str, Entry], condition: Condition) -> Condition:
    entry = before.get(condition.type)
    if entry is None:
        return condition
    return Condition(condition.type, entry["status"], entry.get("reason", ""), entry.get("message", ""))


def entries(conditions: Iterable[Condition], reported: Sequence[Entry]) -> list[dict[str, str]]:
    """Conditions as an object's status has them, in the order of their types; their time is that of a change."""
    before = {entry["type"]: entry for entry in reported}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [_entry(one, before.get(one.type, {}), now) for one in sorted(conditions, key=lambda one: one.type)]


def _entry(condition: Condition, before: Entry, now: str) -> dict[str, str]:
    changed = before.get("status") != condition.status
    entry = {
        "type": condition.type,
        "status": condition.status,
        "lastTransitionTime": now if changed else before.get("lastTransitionTime", now),
        "reason": condition.reason,
        "message": condition.message,
    }
    return {name: value for name, value in entry.items() if value}
