"""Destinations as Brokers and Triggers report them."""

from collections.abc import Mapping
from typing import Any

from events.broker import manifest
from events.broker.destinations import Resolve, UnresolvedError, destination
from events.broker.manifest import MISTAKES
from events.controller import kinds
from events.controller.conditions import Condition
from events.controller.kinds import Object
from events.controller.references import PendingError

SINK = "DeadLetterSinkResolved"


def subscriber(item: Object, resolve: Resolve) -> tuple[Condition, str | None]:
    """The condition of a Trigger's subscriber, and its url if it has one."""
    return _resolved(kinds.spec(item).get("subscriber"), manifest.namespace(item), "SubscriberResolved", resolve)


def _resolved(spec: Mapping[str, Any] | None, home: str, kind: str, resolve: Resolve) -> tuple[Condition, str | None]:
    try:
        return Condition.true(kind), destination(spec or {}, home, resolve).url
    except PendingError as error:
        return Condition.pending(kind, str(error)), None
    except UnresolvedError as error:
        return Condition.false(kind, error.reason, str(error)), None
    except MISTAKES as error:
        return Condition.false(kind, "InvalidReference", f"not understood: {error!r}"), None


def sink(item: Object, resolve: Resolve) -> tuple[Condition, str | None]:
    """The same for the dead letter sink that an object's own delivery names."""
    delivery = kinds.spec(item).get("delivery") or {}
    if not delivery.get("deadLetterSink"):
        return Condition.true(SINK, "DeadLetterSinkNotConfigured", "Dead letters are kept in the log."), None
    return _resolved(delivery["deadLetterSink"], manifest.namespace(item), SINK, resolve)


def without_sink(item: Object) -> Object:
    """The object without its dead letter sink: while nobody knows where that is, dead letters are kept in the log."""
    delivery = kinds.spec(item).get("delivery") or {}
    kept = {name: value for name, value in delivery.items() if name != "deadLetterSink"}
    return {**item, "spec": {**kinds.spec(item), "delivery": kept}}
