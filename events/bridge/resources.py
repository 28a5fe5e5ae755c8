"""Brokers and Triggers as delivery needs them, wherever they were declared."""

from dataclasses import dataclass, field

from events.bridge.filters import Filter
from events.bridge.retries import RetryPolicy
from events.subjects import Layout

CONCURRENCY = 16
MAX_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom events are sent to. `name` is the service's, `url` where it answers."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """How events are delivered. `timeout` of one attempt in seconds; 300 are what Knative Serving gives a request."""

    retries: RetryPolicy = field(default_factory=RetryPolicy)
    timeout: float = 300.0
    dead_letter_sink: Destination | None = None


@dataclass(frozen=True, slots=True)
class Broker:
    """A Broker of our class.

    `max_bytes` bounds its log, `replicas` says on how many servers each stream is. `reserved_sources` are prefixes
    of sources, `/ticketing/` for instance, under which a reply may come from the service that the source names only.
    """

    namespace: str
    name: str
    delivery: Delivery = Delivery()
    max_bytes: int = MAX_BYTES
    replicas: int = 1
    reserved_sources: tuple[str, ...] = ()

    @property
    def layout(self) -> Layout:
        """Where its events are."""
        return Layout(self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A Trigger: which events of its Broker go to whom. `concurrency` bounds the requests under way at once.

    Sixteen are four pods of functions that take four requests each, and at 5 ms a request more than one process of
    ours delivers; more would only queue at the subscriber.
    """

    namespace: str
    name: str
    broker: str
    filter: Filter
    subscriber: Destination
    delivery: Delivery | None = None
    concurrency: int = CONCURRENCY


@dataclass(frozen=True, slots=True)
class Wiring:
    """Every Broker and Trigger that is wanted."""

    brokers: tuple[Broker, ...]
    triggers: tuple[Trigger, ...]
