"""The relay's metrics, for Prometheus."""

from prometheus_client import Counter, Gauge

PUBLISHED = Counter("relay_published", "Events that a relay has stored in JetStream.")
OLDEST = Gauge(
    "relay_oldest_unpublished_seconds", "Age of the oldest event that came by the change stream and is not stored."
)
REJECTED = Gauge("relay_rejected_rows", "Rows of the outbox that cannot be published.")
FOLLOWING = Gauge("relay_following", "1 while the change stream of the outbox is open, else 0.")
