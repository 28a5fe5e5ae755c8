"""Brokers and Triggers as delivery needs them, from whichever source they come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from events.broker.filters.subscriptions import Filter
from events.broker.retries import RetryPolicy
from events.broker.subjects import StreamNames
from events.broker.urls import redact

CONCURRENCY = 16
MAX_CONCURRENCY = 256  # events being delivered are in memory, up to 1 MiB each

# JetStream reserves a stream's maximum size, and rejects streams that no longer fit: on a volume of 10 GiB, this size
# and a quarter of it for dead letters leave room for over a hundred Brokers. An annotation asks for more.
MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, repr=False)
class Destination:
    """A subscriber or dead letter sink, which receives events at `url`.

    `name` is the Service's if it is one in the Trigger's or Broker's own namespace with a URL there; otherwise it is
    the url, so that a host that is only called the same gets none of the rights of a name.
    """

    name: str
    url: str

    @property
    def redacted(self) -> str:
        """The url without its secrets."""
        return redact(self.url)

    def __repr__(self) -> str:
        return self.redacted if self.name == self.url else self.name


@dataclass(frozen=True, slots=True)
class Delivery:
    """How events are delivered. `timeout` is for one attempt, in seconds; the default is Knative Serving's.

    `structured` selects CloudEvents' structured mode instead of binary mode.
    """

    retries: RetryPolicy = field(default_factory=RetryPolicy)
    timeout: float = 300.0
    dead_letter_sink: Destination | None = None
    structured: bool = False


@dataclass(frozen=True, slots=True)
class Broker:
    """A Broker of our class.

    `max_bytes` bounds its log; `replicas` is the number of servers that store each stream. `reserved_sources` are
    prefixes of sources, `/ticketing/` for instance: only the service that such a source names may send its events.
    `uid` is the Kubernetes object's, which a later one of the same name does not share. `max_parked_bytes` bounds the
    parked events of each Trigger.
    """

    namespace: str
    name: str
    delivery: Delivery = Delivery()
    max_bytes: int = MAX_BYTES
    replicas: int = 1
    reserved_sources: tuple[str, ...] = ()
    uid: str = ""
    max_parked_bytes: int = 4 * MAX_BYTES

    @property
    def stream_names(self) -> StreamNames:
        """The names of its streams and subjects."""
        return StreamNames(self.namespace, self.name)

    @property
    def cleanup(self) -> "Cleanup":
        """What to remove from JetStream once it is deleted."""
        return Cleanup(self.stream_names, None, self.uid)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A Trigger: the filter of its Broker's events and their subscriber. `concurrency` bounds requests at once.

    The default fills four pods of functions with four requests each, and at 5 ms a request one process of ours
    delivers less; more would only queue at the subscriber.

    `created` and `uid` are the Kubernetes object's; a Trigger in a file has neither.
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
        """What to remove from JetStream once it is deleted."""
        return Cleanup(StreamNames(self.namespace, self.broker), self.name, self.uid)


@dataclass(frozen=True, slots=True)
class Route:
    """A Trigger with its Broker. A worker serves one; when any of it changes, another worker replaces it."""

    trigger: Trigger
    broker: Broker


@dataclass(frozen=True, slots=True)
class Cleanup:
    """What a deleted object left in JetStream: a Trigger's consumer, or without `trigger` all streams of a Broker.

    Only what was created for the object of that `uid`.
    """

    stream_names: StreamNames
    trigger: str | None
    uid: str


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Every Broker and Trigger that is wanted, and what to remove. Other streams and consumers stay, unused."""

    brokers: tuple[Broker, ...]
    triggers: tuple[Trigger, ...]
    cleanups: tuple[Cleanup, ...] = ()

    def routes(self) -> frozenset[Route]:
        """Return each Trigger with its Broker."""
        brokers = {(broker.namespace, broker.name): broker for broker in self.brokers}
        return frozenset(Route(one, brokers[one.namespace, one.broker]) for one in self.triggers)


@dataclass(frozen=True, slots=True)
class ObservedState:
    """How far JetStream has what the desired state wants.

    `errors` has a text for each Broker and Route that was tried: why JetStream rejects it, or "" if its streams or
    its consumer are there. Of others nothing is known. `away`: NATS has not answered for so long that what is there
    may not be of use.
    """

    errors: Mapping[Broker | Route | Cleanup, str] = field(default_factory=dict)
    removed: frozenset[Cleanup] = frozenset()
    away: bool = False
