"""Brokers and Triggers as delivery needs them, wherever they were declared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from events.broker.filters.subscriptions import Filter
from events.broker.retries import RetryPolicy
from events.broker.subjects import StreamNames

CONCURRENCY = 16
MOST_CONCURRENCY = 256  # what is under way is in memory, up to 1 MiB each

# JetStream sets aside what a stream may take, and refuses those that no longer fit: of a volume of 10 GiB, this and a
# quarter of it for dead letters leave room for over a hundred Brokers. One that keeps more says so by its annotation.
MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom events are sent to. `url` is where it answers.

    `name` is the service's if it is a Service in the Trigger's or Broker's own namespace and answers there, and the url
    otherwise: what a name permits, nobody else gets by calling his host the same.
    """

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """How events are delivered. `timeout` of one attempt in seconds; 300 are what Knative Serving gives a request.

    `structured`: in CloudEvents' structured mode, else in binary mode.
    """

    retries: RetryPolicy = field(default_factory=RetryPolicy)
    timeout: float = 300.0
    dead_letter_sink: Destination | None = None
    structured: bool = False


@dataclass(frozen=True, slots=True)
class Broker:
    """A Broker of our class.

    `max_bytes` bounds its log, `replicas` says on how many servers each stream is. `reserved_sources` are prefixes
    of sources, `/ticketing/` for instance, under which a reply may come from the service that the source names only.
    `uid` is the Kubernetes object's, which a later one of the same name does not share.
    """

    namespace: str
    name: str
    delivery: Delivery = Delivery()
    max_bytes: int = MAX_BYTES
    replicas: int = 1
    reserved_sources: tuple[str, ...] = ()
    uid: str = ""

    @property
    def stream_names(self) -> StreamNames:
        """Where its events are."""
        return StreamNames(self.namespace, self.name)

    @property
    def cleanup(self) -> "Cleanup":
        """What is to be done once it is deleted."""
        return Cleanup(self.stream_names, None, self.uid)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A Trigger: which events of its Broker go to whom. `concurrency` bounds the requests under way at once.

    Sixteen are four pods of functions that take four requests each, and at 5 ms a request more than one process of
    ours delivers; more would only queue at the subscriber.

    `created` and `uid` are the Kubernetes object's; of a Trigger in a file, nobody knows when it was made.
    """

    namespace: str
    name: str
    broker: str
    filter: Filter
    subscriber: Destination
    delivery: Delivery | None = None
    concurrency: int = CONCURRENCY
    created: datetime | None = None
    uid: str = ""

    @property
    def cleanup(self) -> "Cleanup":
        """What is to be done once it is deleted."""
        return Cleanup(StreamNames(self.namespace, self.broker), self.name, self.uid)


@dataclass(frozen=True, slots=True)
class Route:
    """A Trigger with its Broker: what a worker is made for. Made anew when any of it changes."""

    trigger: Trigger
    broker: Broker


@dataclass(frozen=True, slots=True)
class Cleanup:
    """What a deleted object leaves behind: a Trigger's consumer, or without `trigger` all streams of a Broker.

    Only what was made for the object of that `uid`.
    """

    stream_names: StreamNames
    trigger: str | None
    uid: str


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Every Broker and Trigger that is wanted, and what is to go. What is in neither stays where it is, unused."""

    brokers: tuple[Broker, ...]
    triggers: tuple[Trigger, ...]
    cleanups: tuple[Cleanup, ...] = ()

    def routes(self) -> frozenset[Route]:
        """Each Trigger with its Broker."""
        brokers = {(broker.namespace, broker.name): broker for broker in self.brokers}
        return frozenset(Route(one, brokers[one.namespace, one.broker]) for one in self.triggers)


@dataclass(frozen=True, slots=True)
class ObservedState:
    """How far JetStream has what the desired state wants.

    `refusals` has a word for each Broker and Route that was tried: why JetStream refuses it, or "" if its streams or
    its consumer are there. Of others nothing is known. `away`: NATS has not answered for so long that what is there
    may not be of use.
    """

    refusals: Mapping[Broker | Route | Cleanup, str] = field(default_factory=dict)
    removed: frozenset[Cleanup] = frozenset()
    away: bool = False
