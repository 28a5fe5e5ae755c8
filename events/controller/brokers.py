"""What a Broker of our class means, and what is said about it (knative/specs control-plane.md, "Broker Lifecycle")."""

from events.broker import manifest
from events.broker.model import Broker, Cleanup
from events.broker.subjects import StreamNames
from events.controller import destinations, kinds
from events.controller.conditions import Condition, known_fields
from events.controller.kinds import Object
from events.controller.snapshot import NATS_AWAY, Reconciliation, Snapshot, is_leaving, of_leaving, with_ready

_STREAMS = "StreamsReady"


def verdict(item: Object, view: Snapshot) -> Reconciliation:
    """The verdict on a Broker of our class."""
    if is_leaving(item):
        namespace, name = kinds.key(item)
        cleanup = Cleanup(StreamNames(namespace, name), None, item["metadata"]["uid"])
        return of_leaving(kinds.BROKER, item, cleanup, view.observed_state)
    sink, sink_url = destinations.sink(item, view.resolve)
    made = _read(item if sink.status == "True" else destinations.without_sink(item), view)
    url = f"{view.ingress_url}/{'/'.join(kinds.key(item))}"
    return Reconciliation(
        kinds.BROKER,
        item,
        wanted=made if isinstance(made, Broker) and view.may_begin(item) else None,
        keeps=view.holds,
        conditions=with_ready(item, Condition.true("Addressable"), sink, _streams(made, view)),
        fields={"address": {"name": "http", "url": url}, **known_fields({"deadLetterSinkUri": (sink, sink_url)})},
    )


def _read(item: Object, view: Snapshot) -> Broker | str:
    """The Broker, or what is wrong about it."""
    try:
        return manifest.broker(item, view.resolve)
    except manifest.MISTAKES as error:
        return str(error)


def _streams(made: Broker | str, view: Snapshot) -> Condition:
    if isinstance(made, str):
        return Condition.false(_STREAMS, "InvalidSpec", made)
    if view.observed_state.away:
        return Condition(_STREAMS, "Unknown", *NATS_AWAY)
    refusal = view.observed_state.refusals.get(made)
    if refusal is None:
        return Condition.pending(_STREAMS, "The streams are not known to be there.")
    return Condition.false(_STREAMS, "Refused", refusal) if refusal else Condition.true(_STREAMS)
