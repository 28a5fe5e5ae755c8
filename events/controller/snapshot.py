"""What is known at one time, and the reconciliation of one object that follows from it."""

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
NATS_AWAY = ("NatsUnreachable", "NATS has not responded for some time.")  # reason and message


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The objects and the observed state at one time.

    `brokers` are those of every class. `ingress_url` is where the bridge's ingress is reached. `use_finalizers` tells
    if objects get our finalizer; an object without it may be gone before its streams are removed.
    """

    brokers: Mapping[Key, Object]
    triggers: Mapping[Key, Object]
    references: References
    filters: FilterCache
    observed_state: ObservedState
    ingress_url: str
    use_finalizers: bool

    def may_create(self, item: Object) -> bool:
        """Tell if something may be created for an object: its finalizer comes first, so that nothing is orphaned."""
        return has_finalizer(item) or not self.use_finalizers

    @property
    def resolve(self) -> Resolve:
        """Resolve a reference to its address."""
        return self.references.address


@dataclass(frozen=True, slots=True)
class Change:
    """A merge patch for an object: of its status if `of_status`, else of its metadata."""

    kind: Kind
    item: Object
    patch: Mapping[str, Any]
    of_status: bool


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The outcome for one object: what is desired or to be removed, and what its status is to say.

    `fields` are those of the status beside its conditions; None leaves the status as it is.
    """

    kind: Kind
    item: Object
    desired: Broker | Trigger | None = None
    cleanup: Cleanup | None = None
    wants_finalizer: bool = True
    conditions: tuple[Condition, ...] = ()
    fields: Mapping[str, Any] | None = None

    def condition(self, kind: str) -> Condition:
        """Return the condition of a type. Raises StopIteration if there is none."""
        return next(one for one in self.conditions if one.type == kind)

    def change(self) -> Change | None:
        """Return the patch that the object needs now, that of its finalizer first; None if it needs none."""
        if self.wants_finalizer != has_finalizer(self.item):
            return self._finalizer_change()
        status = self._status() if self.fields is not None else {}
        return Change(self.kind, self.item, {"status": status}, of_status=True) if status else None

    def _finalizer_change(self) -> Change:
        others = [name for name in _finalizers(self.item) if name != FINALIZER]
        names = [*others, FINALIZER] if self.wants_finalizer else others
        return Change(self.kind, self.item, {"metadata": {"finalizers": names}}, of_status=False)

    def _status(self) -> dict[str, Any]:
        """Return the status to write, {} if the object has it already."""
        current = self.item.get("status") or {}
        wanted = {
            **(self.fields or {}),
            "observedGeneration": self.item["metadata"].get("generation"),
            "conditions": entries(self.conditions, current.get("conditions") or ()),
        }
        differs = any(current.get(name) != value for name, value in wanted.items())
        return wanted if differs else {}


def with_ready(item: Object, *conditions: Condition) -> tuple[Condition, ...]:
    """Return an object's conditions with Ready added, see `settled`."""
    status = item.get("status") or {}
    is_current = status.get("observedGeneration") == item["metadata"].get("generation")
    return settled(conditions, (status.get("conditions") or ()) if is_current else ())


def _finalizers(item: Object) -> list[str]:
    return item["metadata"].get("finalizers") or []


def has_finalizer(item: Object) -> bool:
    """Tell if an object has our finalizer."""
    return FINALIZER in _finalizers(item)


def is_deleted(item: Object) -> bool:
    """Tell if an object was deleted and waits for its finalizers."""
    return "deletionTimestamp" in item["metadata"]


def of_deleted(kind: Kind, item: Object, cleanup: Cleanup, observed_state: ObservedState) -> Reconciliation:
    """Reconcile an object that is to leave nothing in JetStream: it has our finalizer until that is done."""
    if not has_finalizer(item):
        return Reconciliation(kind, item, wants_finalizer=False)
    return Reconciliation(kind, item, cleanup=cleanup, wants_finalizer=cleanup not in observed_state.removed)
