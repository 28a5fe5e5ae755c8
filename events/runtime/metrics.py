"""What the bridge counts and measures, for Prometheus."""

from dataclasses import dataclass
from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

Labels = tuple[str, str, str]  # namespace, Broker, Trigger

_TRIGGER = ("namespace", "broker", "trigger")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

REQUESTS = Counter(
    "bridge_ingress_requests", "Requests to the ingress by the status answered.", ("namespace", "broker", "code")
)
DELIVERED = Counter("bridge_delivered", "Events that the subscriber took.", _TRIGGER)
RETRIED = Counter("bridge_retried", "Deliveries that failed and are tried again.", _TRIGGER)
DEAD_LETTERED = Counter("bridge_dead_lettered", "Events given up: refused, out of retries, or malformed.", _TRIGGER)
ANSWER_TIME = Histogram(
    "bridge_answer_seconds", "From sending an event until the subscriber's answer.", _TRIGGER, buckets=_SECONDS
)
LATENCY = Histogram(
    "bridge_latency_seconds", "From storing an event until the subscriber took it.", _TRIGGER, buckets=_SECONDS
)
LAG = Gauge("bridge_lag_events", "Events stored for a Trigger and not delivered yet.", _TRIGGER)
OLDEST = Gauge("bridge_oldest_undelivered_seconds", "Age of the oldest of these, 0 without any.", _TRIGGER)


@lru_cache
def requests(namespace: str, broker: str, status: int) -> Counter:
    """The series of one status of a Broker's ingress; looking it up takes longer than counting."""
    return REQUESTS.labels(namespace, broker, str(status))


@dataclass(frozen=True, slots=True)
class OfTrigger:
    """The series of one Trigger, looked up once."""

    delivered: Counter
    retried: Counter
    dead_lettered: Counter
    answer_time: Histogram
    latency: Histogram


def of_trigger(labels: Labels) -> OfTrigger:
    """The series that a worker writes."""
    every = (DELIVERED, RETRIED, DEAD_LETTERED, ANSWER_TIME, LATENCY)
    return OfTrigger(*(metric.labels(*labels) for metric in every))  # type: ignore[arg-type]  # each of its own kind


def forget(labels: Labels) -> None:
    """Show a Trigger's series no longer."""
    for metric in (DELIVERED, RETRIED, DEAD_LETTERED, ANSWER_TIME, LATENCY, LAG, OLDEST):
        metric.remove(*labels)
