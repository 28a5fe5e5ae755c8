"""The bridge's metrics, for Prometheus."""

from dataclasses import dataclass
from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

from events.runtime.knative_metrics import KnativeMetrics

Labels = tuple[str, str, str]  # namespace, Broker, Trigger

_TRIGGER = ("namespace", "broker", "trigger")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

REQUESTS = Counter(
    "bridge_ingress_requests", "Requests to the ingress, by status of the response.", ("namespace", "broker", "code")
)
DELIVERED = Counter("bridge_delivered", "Events that the subscriber accepted.", _TRIGGER)
RETRIED = Counter("bridge_retried", "Deliveries that failed and are retried.", _TRIGGER)
DEAD_LETTERED = Counter(
    "bridge_dead_lettered", "Events dead-lettered: rejected, out of retries, or malformed.", _TRIGGER
)
ANSWER_TIME = Histogram(
    "bridge_answer_seconds", "From sending an event until the subscriber's response.", _TRIGGER, buckets=_SECONDS
)
LATENCY = Histogram(
    "bridge_latency_seconds", "From storing an event until the subscriber accepted it.", _TRIGGER, buckets=_SECONDS
)
LAG = Gauge("bridge_lag_events", "Events stored for a Trigger and not yet delivered.", _TRIGGER)
OLDEST = Gauge(
    "bridge_oldest_undelivered_seconds", "Age of the oldest event not yet delivered; 0 without any.", _TRIGGER
)
PARKED = Gauge("bridge_parked_events", "Events that wait for a retry outside of the Broker's log.", _TRIGGER)
FILL = Gauge("bridge_log_fill_ratio", "Share of the log's maximum bytes that is used.", ("namespace", "broker"))

_knative: dict[Labels, KnativeMetrics] = {}
_ingress: dict[tuple[str, str], KnativeMetrics] = {}  # by namespace and Broker


@lru_cache
def requests(namespace: str, broker: str, status: int) -> Counter:
    """Return the series of one status of a Broker's ingress; cached, since the lookup takes longer than counting."""
    return REQUESTS.labels(namespace, broker, str(status))


def of_ingress(namespace: str, broker: str) -> KnativeMetrics:
    """Return the series of events that come into a Broker by its ingress."""
    key = namespace, broker
    if key not in _ingress:
        _ingress[key] = KnativeMetrics(namespace, broker, f"broker:{broker}.{namespace}")
    return _ingress[key]


@dataclass(frozen=True, slots=True)
class TriggerMetrics:
    """The series of one Trigger, looked up once."""

    delivered: Counter
    retried: Counter
    dead_lettered: Counter
    answer_time: Histogram
    latency: Histogram
    knative: KnativeMetrics


def of_trigger(labels: Labels) -> TriggerMetrics:
    """Return the series that a Trigger's worker writes."""
    namespace, broker, trigger = labels
    knative = _knative.setdefault(labels, KnativeMetrics(namespace, broker, f"trigger:{trigger}.{namespace}"))
    return TriggerMetrics(
        delivered=DELIVERED.labels(*labels),
        retried=RETRIED.labels(*labels),
        dead_lettered=DEAD_LETTERED.labels(*labels),
        answer_time=ANSWER_TIME.labels(*labels),
        latency=LATENCY.labels(*labels),
        knative=knative,
    )


def forget_broker(namespace: str, broker: str) -> None:
    """Remove a Broker's series."""
    REQUESTS.remove_by_labels({"namespace": namespace, "broker": broker})
    requests.cache_clear()  # it holds series that are no longer shown
    FILL.remove(namespace, broker)
    if knative := _ingress.pop((namespace, broker), None):
        knative.remove()


def forget(labels: Labels) -> None:
    """Remove a Trigger's series."""
    for metric in (DELIVERED, RETRIED, DEAD_LETTERED, ANSWER_TIME, LATENCY, LAG, OLDEST, PARKED):
        metric.remove(*labels)
    _knative.pop(labels).remove()
