"""Reconcile a Trigger, and what its status says (knative/specs control-plane.md, "Trigger Lifecycle").

Conditions have the names that Knative's own Trigger gives them.
"""

from events.broker import manifest
from events.broker.filters.subscriptions import UnsupportedError
from events.broker.model import Broker, Cleanup, Route, Trigger
from events.broker.subjects import StreamNames
from events.controller import destinations, kinds
from events.controller.conditions import READY, Condition, known_fields
from events.controller.dependencies import dependency
from events.controller.destinations import Resolution
from events.controller.kinds import Object
from events.controller.snapshot import (
    NATS_AWAY,
    Reconciliation,
    Snapshot,
    has_finalizer,
    is_deleted,
    of_deleted,
    with_ready,
)

_BROKER, _SUBSCRIPTION = "BrokerReady", "SubscriptionReady"


def reconcile(item: Object, broker: Reconciliation | None, snapshot: Snapshot) -> Reconciliation:
    """Reconcile a Trigger whose Broker is of our class, or missing (None)."""
    if broker is None or is_deleted(broker.item):
        return _without_broker(item)
    subscriber, sink = destinations.subscriber(item, snapshot.resolve), destinations.sink(item, snapshot.resolve)
    trigger = _read(item, subscriber, sink, snapshot)
    sink_condition, sink_url = (
        (sink.condition, sink.url) if kinds.spec(item).get("delivery") else _sink_of_broker(broker)
    )
    return Reconciliation(
        kinds.TRIGGER,
        item,
        desired=trigger if isinstance(trigger, Trigger) and broker.desired and snapshot.may_create(item) else None,
        wants_finalizer=snapshot.use_finalizers,
        conditions=with_ready(
            item,
            _broker(broker),
            subscriber.condition,
            sink_condition,
            dependency(item, snapshot.references),
            _subscription(trigger, broker, snapshot),
        ),
        fields=known_fields(
            {
                "subscriberUri": (subscriber.condition, subscriber.url or ""),
                "deadLetterSinkUri": (sink_condition, sink_url),
            }
        ),
    )


def reconcile_without_consumer(item: Object, snapshot: Snapshot) -> Reconciliation:
    """Reconcile a Trigger that is to have no consumer: it was deleted, or its Broker is of another class."""
    namespace, name = kinds.key(item)
    stream_names = StreamNames(namespace, str(kinds.spec(item).get("broker")))
    cleanup = Cleanup(stream_names, name, item["metadata"]["uid"])
    return of_deleted(kinds.TRIGGER, item, cleanup, snapshot.observed_state)


def _without_broker(item: Object) -> Reconciliation:
    """Report the missing Broker, unless another class's controller already has: two would overwrite each other."""
    missing = Condition.false(
        _BROKER, "BrokerDoesNotExist", f"Broker {kinds.spec(item).get('broker')!r} does not exist."
    )
    status = item.get("status") or {}
    reported = {entry["type"]: entry["status"] for entry in status.get("conditions") or ()}
    is_reported = reported.get(_BROKER) == "False" and reported.get(READY) == "False"
    if is_reported and status.get("observedGeneration") == item["metadata"].get("generation"):
        return Reconciliation(kinds.TRIGGER, item, wants_finalizer=has_finalizer(item))
    return Reconciliation(
        kinds.TRIGGER,
        item,
        wants_finalizer=has_finalizer(item),
        conditions=with_ready(item, missing),
        fields={},
    )


def _broker(broker: Reconciliation) -> Condition:
    ready = broker.condition(READY)
    if ready.status == "True":
        return Condition.true(_BROKER)
    reason = ready.reason or "BrokerNotReady"
    return Condition(_BROKER, ready.status, reason, f"The Broker is not ready: {ready.message}")


def _sink_of_broker(broker: Reconciliation) -> tuple[Condition, str | None]:
    """Return the Broker's dead letter sink, which a Trigger without a delivery spec of its own uses."""
    return broker.condition(destinations.SINK), (broker.fields or {}).get("deadLetterSinkUri")


def _read(item: Object, subscriber: Resolution, sink: Resolution, snapshot: Snapshot) -> Trigger | Condition:
    """Return the Trigger, or the condition that says why it has no consumer."""
    try:
        wanted = snapshot.filters.get(item)
        if subscriber.destination is None:
            return _not_subscribed(subscriber.condition)
        return manifest.trigger(item, wanted, subscriber.destination, sink.usable)
    except UnsupportedError as error:
        return Condition.false(_SUBSCRIPTION, "FilterNotSupported", str(error))
    except manifest.SPEC_ERRORS as error:
        return Condition.false(_SUBSCRIPTION, "InvalidSpec", str(error))


def _not_subscribed(subscriber: Condition) -> Condition:
    if subscriber.is_pending:
        return Condition.pending(_SUBSCRIPTION, subscriber.message)
    return Condition.false(_SUBSCRIPTION, "NotSubscribed", "The subscriber could not be resolved.")


def _subscription(trigger: Trigger | Condition, broker: Reconciliation, snapshot: Snapshot) -> Condition:
    if isinstance(trigger, Condition):
        return trigger
    if snapshot.observed_state.away:
        return Condition(_SUBSCRIPTION, "Unknown", *NATS_AWAY)
    if not isinstance(broker.desired, Broker):
        return Condition.pending(_SUBSCRIPTION, "The Broker's JetStream streams have not been created yet.")
    error = snapshot.observed_state.errors.get(Route(trigger, broker.desired))
    if error is None:
        return Condition.pending(_SUBSCRIPTION, "The JetStream consumer has not been created yet.")
    return Condition.false(_SUBSCRIPTION, "ReconcileFailed", error) if error else Condition.true(_SUBSCRIPTION)
