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
    """A condition. `reason` is one word in CamelCase, `message` a sentence; a condition that is True needs neither."""

    type: str
    status: Status
    reason: str = ""
    message: str = ""

    @classmethod
    def true(cls, kind: str, reason: str = "", message: str = "") -> "Condition":
        """Make a condition that is fulfilled."""
        return cls(kind, "True", reason, message)

    @classmethod
    def false(cls, kind: str, reason: str, message: str) -> "Condition":
        """Make a condition that is not fulfilled, and will not be unless something changes."""
        return cls(kind, "False", reason, message)

    @classmethod
    def pending(cls, kind: str, message: str) -> "Condition":
        """Make a condition that is not known to this replica yet."""
        return cls(kind, "Unknown", _PENDING, message)

    @property
    def is_pending(self) -> bool:
        """Tell if it is not known to this replica yet."""
        return self.reason == _PENDING


def known_fields(fields: Mapping[str, tuple[Condition, Any]]) -> dict[str, Any]:
    """Return the values whose conditions are known: a pending one stays as it was reported."""
    return {name: value for name, (condition, value) in fields.items() if not condition.is_pending}


def settled(conditions: Iterable[Condition], reported: Sequence[Entry]) -> tuple[Condition, ...]:
    """Return conditions with Ready before them, which is True if all are.

    A pending condition stays as it was reported for the same generation, unless that was pending too: another replica
    may know more, or this one may have known more before it was restarted.
    """
    before = {entry["type"]: entry for entry in reported}
    known = [_as_reported(before, one) if one.is_pending else one for one in conditions]
    worst = next((one for status in ("False", "Unknown") for one in known if one.status == status), None)
    ready = Condition(READY, worst.status, worst.reason, worst.message) if worst else Condition.true(READY)
    return (ready, *known)


def _as_reported(before: Mapping[str, Entry], condition: Condition) -> Condition:
    entry = before.get(condition.type)
    if entry is None or entry.get("reason") == _PENDING:
        return condition
    return Condition(condition.type, entry["status"], entry.get("reason", ""), entry.get("message", ""))


def entries(conditions: Iterable[Condition], reported: Sequence[Entry]) -> list[dict[str, str]]:
    """Return conditions as an object's status lists them: sorted by type, each with the time of its last change."""
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
