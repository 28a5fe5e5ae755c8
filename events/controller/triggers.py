"""What a Trigger means, and what is said about it (knative/specs control-plane.md, "Trigger Lifecycle").

Conditions are called as Knative's own Trigger calls them.
"""

from events.broker import manifest
from events.broker.destinations import UnresolvedError
from events.broker.filters.subscriptions import UnsupportedError
from events.broker.model import Broker, Cleanup, Route, Trigger
from events.broker.subjects import StreamNames
from events.controller import destinations, kinds
from events.controller.conditions import READY, Condition, known_fields
from events.controller.dependencies import dependency
from events.controller.kinds import Object
from events.controller.references import PendingError
from events.controller.snapshot import NATS_AWAY, Reconciliation, Snapshot, is_held, is_leaving, of_leaving, with_ready

_BROKER, _SUBSCRIPTION = "BrokerReady", "SubscriptionReady"


def verdict(item: Object, broker: Reconciliation | None, view: Snapshot) -> Reconciliation:
    """The verdict on a Trigger whose Broker is of our class, or missing (None)."""
    if broker is None or is_leaving(broker.item):
        return _without_broker(item)
    spec = kinds.spec(item)
    subscriber, subscriber_url = destinations.subscriber(item, view.resolve)
    sink, sink_url = destinations.sink(item, view.resolve) if spec.get("delivery") else _sink_of(broker)
    waits = dependency(item, view.references)
    made = _read(item if sink.status == "True" else destinations.without_sink(item), view)
    return Reconciliation(
        kinds.TRIGGER,
        item,
        wanted=made if isinstance(made, Trigger) and broker.wanted and view.may_begin(item) else None,
        keeps=view.holds,
        conditions=with_ready(item, _broker(broker), subscriber, sink, waits, _subscription(made, broker, view)),
        fields=known_fields(
            {"subscriberUri": (subscriber, subscriber_url or ""), "deadLetterSinkUri": (sink, sink_url)}
        ),
    )


def without_consumer(item: Object, view: Snapshot) -> Reconciliation:
    """The verdict on a Trigger that is to have no consumer: it was deleted, or its Broker is another class's."""
    namespace, name = kinds.key(item)
    stream_names = StreamNames(namespace, str(kinds.spec(item).get("broker")))
    return of_leaving(kinds.TRIGGER, item, Cleanup(stream_names, name, item["metadata"]["uid"]), view.observed_state)


def _without_broker(item: Object) -> Reconciliation:
    """Controllers of other classes say that a Broker is missing too; once one has, it is left at that."""
    missing = Condition.false(
        _BROKER, "BrokerDoesNotExist", f"Broker {kinds.spec(item).get('broker')!r} does not exist."
    )
    status = item.get("status") or {}
    said = {entry["type"]: entry["status"] for entry in status.get("conditions") or ()}
    is_said = said.get(_BROKER) == "False" and said.get(READY) == "False"
    if is_said and status.get("observedGeneration") == item["metadata"].get("generation"):
        return Reconciliation(kinds.TRIGGER, item, keeps=is_held(item))
    return Reconciliation(kinds.TRIGGER, item, keeps=is_held(item), conditions=with_ready(item, missing), fields={})


def _broker(broker: Reconciliation) -> Condition:
    ready = next(one for one in broker.conditions if one.type == READY)
    if ready.status == "True":
        return Condition.true(_BROKER)
    reason = ready.reason or "BrokerNotReady"
    return Condition(_BROKER, ready.status, reason, f"The Broker is not ready: {ready.message}")


def _sink_of(broker: Reconciliation) -> tuple[Condition, str | None]:
    """A Trigger without a delivery of its own has its Broker's."""
    condition = next(one for one in broker.conditions if one.type == destinations.SINK)
    return condition, (broker.fields or {}).get("deadLetterSinkUri")


def _read(item: Object, view: Snapshot) -> Trigger | Condition:
    """The Trigger, or why there is no consumer for it."""
    try:
        return manifest.trigger(item, view.resolve, view.filters.of)
    except PendingError as error:
        return Condition.pending(_SUBSCRIPTION, str(error))
    except UnresolvedError:
        return Condition.false(_SUBSCRIPTION, "NotSubscribed", "There is nobody to deliver to.")
    except UnsupportedError as error:
        return Condition.false(_SUBSCRIPTION, "FilterNotSupported", str(error))
    except manifest.MISTAKES as error:
        return Condition.false(_SUBSCRIPTION, "InvalidSpec", str(error))


def _subscription(made: Trigger | Condition, broker: Reconciliation, view: Snapshot) -> Condition:
    if isinstance(made, Condition):
        return made
    if view.observed_state.away:
        return Condition(_SUBSCRIPTION, "Unknown", *NATS_AWAY)
    known = isinstance(broker.wanted, Broker)
    refusal = (
        view.observed_state.refusals.get(Route(made, broker.wanted)) if isinstance(broker.wanted, Broker) else None
    )
    if refusal is None:
        reason = "The consumer is not known to be there." if known else "There are no streams for it."
        return Condition.pending(_SUBSCRIPTION, reason)
    return Condition.false(_SUBSCRIPTION, "Refused", refusal) if refusal else Condition.true(_SUBSCRIPTION)
