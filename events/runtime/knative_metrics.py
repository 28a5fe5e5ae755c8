"""The metrics that Knative's own Brokers have (knative/eventing, pkg/broker), named as its Prometheus exporter does.

A label's name is that of OpenTelemetry's attribute, with underscores for its dots.
"""

from prometheus_client import Histogram

MAX_TYPES = 100  # of one Trigger, or of the ingress of one Broker: senders must not make up series
OTHER_TYPE = "other"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_LABELS = (
    "kn_broker_namespace",
    "kn_broker_name",
    "messaging_destination_name",
    "messaging_operation_name",
    "messaging_system",
    "url_scheme",
    "cloudevents_type",
)

DISPATCH = Histogram(
    "kn_eventing_dispatch_duration_seconds",
    "The duration to dispatch the event.",
    (*_LABELS, "http_response_status_code"),
    buckets=_SECONDS,
)
PROCESS = Histogram(
    "kn_eventing_process_duration_seconds",
    "The duration of processing an event before dispatching it.",
    _LABELS,
    buckets=_SECONDS,
)


class KnativeMetrics:
    """The series of one destination: a Trigger, whose events go to a subscriber, or a Broker, whose come in."""

    def __init__(self, namespace: str, broker: str, destination: str) -> None:
        self._labels = (namespace, broker, destination, "send", "knative", "http")
        self._types: set[str] = set()
        self._dispatch: dict[tuple[str, int], Histogram] = {}
        self._process: dict[str, Histogram] = {}

    def dispatched(self, event_type: str, status: int, seconds: float) -> None:
        """Record how long an event took from being sent to the response, and the response's status."""
        key = self._label(event_type), status
        series = self._dispatch.get(key)
        if series is None:
            series = self._dispatch[key] = DISPATCH.labels(*self._labels, key[0], str(status))
        series.observe(seconds)

    def processed(self, event_type: str, seconds: float) -> None:
        """Record how long an event took from being received to being sent."""
        label = self._label(event_type)
        series = self._process.get(label)
        if series is None:
            series = self._process[label] = PROCESS.labels(*self._labels, label)
        series.observe(seconds)

    def remove(self) -> None:
        """Remove the series from what is shown."""
        for label, status in self._dispatch:
            DISPATCH.remove(*self._labels, label, str(status))
        for label in self._process:
            PROCESS.remove(*self._labels, label)

    def _label(self, event_type: str) -> str:
        if event_type not in self._types:
            if len(self._types) >= MAX_TYPES:
                return OTHER_TYPE
            self._types.add(event_type)
        return event_type
