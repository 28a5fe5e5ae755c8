"""What is known at one time, and what follows from it for one object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from events.broker.destinations import Resolve
from events.broker.model import Broker, Cleanup, ObservedState, Trigger
from events.controller.conditions import Condition, entries, settled
from events.controller.filter_cache import FilterCache
from events.controller.kinds import Key, Kind, Object
from events.controller.references import References

FINALIZER = "jetstream.ticketing.dev/bridge"
NATS_AWAY = ("NatsUnreachable", "NATS has not answered for some time.")  # reason and message


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`brokers` of every class. `ingress_url` is where the bridge takes events in.

    `holds` says whether objects get our finalizer. Without it one may vanish while nobody looks, and leave its streams.
    """

    brokers: Mapping[Key, Object]
    triggers: Mapping[Key, Object]
    references: References
    filters: FilterCache
    observed_state: ObservedState
    ingress_url: str
    holds: bool

    def may_begin(self, item: Object) -> bool:
        """Whether something may be made for an object: it is held fast first, for nothing may be left of it."""
        return is_held(item) or not self.holds

    @property
    def resolve(self) -> Resolve:
        """Where references lead."""
        return self.references.address


@dataclass(frozen=True, slots=True)
class Change:
    """A merge patch that an object needs, of its status or else of its metadata."""

    kind: Kind
    item: Object
    patch: Mapping[str, Any]
    of_status: bool


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What an object means: what is to be wired or removed, and what is to be said about it."""

    kind: Kind
    item: Object
    wanted: Broker | Trigger | None = None
    cleanup: Cleanup | None = None
    keeps: bool = True  # whether it is to have our finalizer
    conditions: tuple[Condition, ...] = ()
    fields: Mapping[str, Any] | None = None  # of its status, besides conditions; None leaves all as it is

    @property
    def claim(self) -> object:
        """What it says, to be compared: no times."""
        return self.item["metadata"].get("generation"), self.conditions, self.fields

    def change(self) -> Change | None:
        """The patch that it needs now. What is wanted is held fast first: nothing may be left of it in the end."""
        if self.keeps != is_held(self.item):
            return self._of_finalizers()
        status = self._status() if self.fields is not None else {}
        return Change(self.kind, self.item, {"status": status}, of_status=True) if status else None

    def _of_finalizers(self) -> Change:
        others = [name for name in finalizers(self.item) if name != FINALIZER]
        names = [*others, FINALIZER] if self.keeps else others
        return Change(self.kind, self.item, {"metadata": {"finalizers": names}}, of_status=False)

    def _status(self) -> dict[str, Any]:
        """What of the status differs from what is there."""
        there = self.item.get("status") or {}
        wanted = {
            **(self.fields or {}),
            "observedGeneration": self.item["metadata"].get("generation"),
            "conditions": entries(self.conditions, there.get("conditions") or ()),
        }
        differs = any(there.get(name) != value for name, value in wanted.items())
        return wanted if differs else {}


def with_ready(item: Object, *conditions: Condition) -> tuple[Condition, ...]:
    """Conditions of an object and Ready, see `settled`."""
    status = item.get("status") or {}
    is_current = status.get("observedGeneration") == item["metadata"].get("generation")
    return settled(conditions, (status.get("conditions") or ()) if is_current else ())


def finalizers(item: Object) -> list[str]:
    """Who has to let go before an object is gone."""
    return item["metadata"].get("finalizers") or []


def is_held(item: Object) -> bool:
    """Whether we are one of them."""
    return FINALIZER in finalizers(item)


def is_leaving(item: Object) -> bool:
    """Whether an object was deleted."""
    return "deletionTimestamp" in item["metadata"]


def of_leaving(kind: Kind, item: Object, cleanup: Cleanup, observed_state: ObservedState) -> Reconciliation:
    """The verdict on an object that is to leave no trace: it is held until that is so."""
    if not is_held(item):
        return Reconciliation(kind, item, keeps=False)
    return Reconciliation(kind, item, cleanup=cleanup, keeps=cleanup not in observed_state.removed)
