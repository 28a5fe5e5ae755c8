"""Reconcile a Broker of our class, and what its status says (knative/specs control-plane.md, "Broker Lifecycle")."""

from events.broker import manifest
from events.broker.model import Broker, Cleanup
from events.broker.subjects import StreamNames
from events.controller import destinations, kinds
from events.controller.conditions import Condition, known_fields
from events.controller.destinations import Resolution
from events.controller.kinds import Object
from events.controller.snapshot import NATS_AWAY, Reconciliation, Snapshot, is_deleted, of_deleted, with_ready

_STREAMS = "StreamsReady"


def reconcile(item: Object, snapshot: Snapshot) -> Reconciliation:
    """Reconcile a Broker of our class."""
    if is_deleted(item):
        namespace, name = kinds.key(item)
        cleanup = Cleanup(StreamNames(namespace, name), None, item["metadata"]["uid"])
        return of_deleted(kinds.BROKER, item, cleanup, snapshot.observed_state)
    sink = destinations.sink(item, snapshot.resolve)
    broker = _read(item, sink)
    url = f"{snapshot.ingress_url}/{'/'.join(kinds.key(item))}"
    return Reconciliation(
        kinds.BROKER,
        item,
        desired=broker if isinstance(broker, Broker) and snapshot.may_create(item) else None,
        wants_finalizer=snapshot.use_finalizers,
        conditions=with_ready(item, Condition.true("Addressable"), sink.condition, _streams(broker, snapshot)),
        fields={
            "address": {"name": "http", "url": url},
            **known_fields({"deadLetterSinkUri": (sink.condition, sink.url)}),
        },
    )


def _read(item: Object, sink: Resolution) -> Broker | str:
    """Return the Broker, or what is wrong with its spec."""
    try:
        return manifest.broker(item, sink.usable)
    except manifest.SPEC_ERRORS as error:
        return str(error)


def _streams(broker: Broker | str, snapshot: Snapshot) -> Condition:
    if isinstance(broker, str):
        return Condition.false(_STREAMS, "InvalidSpec", broker)
    if snapshot.observed_state.away:
        return Condition(_STREAMS, "Unknown", *NATS_AWAY)
    error = snapshot.observed_state.errors.get(broker)
    if error is None:
        return Condition.pending(_STREAMS, "The JetStream streams have not been created yet.")
    return Condition.false(_STREAMS, "ReconcileFailed", error) if error else Condition.true(_STREAMS)
