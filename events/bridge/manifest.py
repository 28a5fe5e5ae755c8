"""Knative's Broker and Trigger objects, read into what delivery needs. Sources of objects share this."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from events.bridge import filters
from events.bridge.resources import CONCURRENCY, MAX_BYTES, Broker, Delivery, Destination, Trigger, Wiring
from events.bridge.retries import RetryPolicy, seconds

BROKER_CLASS = "JetStreamBridge"

_API_GROUP = "eventing.knative.dev/"
_CLASS_ANNOTATION = "eventing.knative.dev/broker.class"
_ANNOTATIONS = "jetstream.ticketing.dev/"

Object = Mapping[str, Any]
T = TypeVar("T")

_log = logging.getLogger(__name__)


def wiring(objects: Iterable[Object]) -> Wiring:
    """The wiring that objects declare. One that cannot be understood is left out, and the log says why."""
    ours = [item for item in objects if str(item.get("apiVersion", "")).startswith(_API_GROUP)]
    brokers = [broker for item in ours if _is_broker(item) and (broker := _attempt(_broker, item))]
    triggers = [trigger for item in ours if item["kind"] == "Trigger" and (trigger := _attempt(_trigger, item))]
    names = {(broker.namespace, broker.name) for broker in brokers}
    return Wiring(tuple(brokers), tuple(one for one in triggers if (one.namespace, one.broker) in names))


def _is_broker(item: Object) -> bool:
    annotations = item["metadata"].get("annotations") or {}
    return item["kind"] == "Broker" and annotations.get(_CLASS_ANNOTATION) == BROKER_CLASS


def _attempt(read: Callable[[Object], T], item: Object) -> T | None:
    try:
        return read(item)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        name = (item.get("metadata") or {}).get("name")
        _log.error("%s cannot be used", item.get("kind"), extra={"object": name, "reason": str(error)})
        return None


def _broker(item: Object) -> Broker:
    settings = _settings(item)
    return Broker(
        namespace=_namespace(item),
        name=item["metadata"]["name"],
        delivery=_delivery((item.get("spec") or {}).get("delivery"), item) or Delivery(),
        max_bytes=int(settings.get("max-bytes", MAX_BYTES)),
        replicas=int(settings.get("replicas", 1)),
        reserved_sources=tuple(settings.get("reserved-sources", "").split()),
    )


def _trigger(item: Object) -> Trigger:
    spec = item["spec"]
    return Trigger(
        namespace=_namespace(item),
        name=item["metadata"]["name"],
        broker=spec["broker"],
        filter=filters.of_trigger(spec),
        subscriber=_destination(spec["subscriber"], item),
        delivery=_delivery(spec.get("delivery"), item),
        concurrency=int(_settings(item).get("concurrency", CONCURRENCY)),
    )


def _delivery(spec: Mapping[str, Any] | None, item: Object) -> Delivery | None:
    """A Trigger's delivery replaces its Broker's as a whole (control-plane.md, BrokerSpec)."""
    if not spec:
        return None
    default = RetryPolicy()
    policy = RetryPolicy(
        retry=int(spec.get("retry", 0)),
        exponential=spec.get("backoffPolicy", "exponential") == "exponential",
        backoff=seconds(spec["backoffDelay"]) if "backoffDelay" in spec else default.backoff,
        retry_after_max=seconds(spec["retryAfterMax"]) if "retryAfterMax" in spec else default.retry_after_max,
    )
    timeout = seconds(spec["timeout"]) if "timeout" in spec else Delivery().timeout
    sink = spec.get("deadLetterSink")
    return Delivery(policy, timeout, _destination(sink, item) if sink else None)


def _destination(spec: Mapping[str, Any], item: Object) -> Destination:
    """Services, Knative's and Kubernetes', have addresses that follow from their names; others need an absolute uri."""
    uri, reference = spec.get("uri") or "", spec.get("ref")
    if not reference:
        if not urlsplit(uri).hostname:
            raise ValueError(f"no absolute uri: {uri!r}")
        return Destination(str(urlsplit(uri).hostname), uri)
    if reference["kind"] != "Service":
        raise ValueError(f"the address of a {reference['kind']} is not known here")
    namespace = reference.get("namespace") or _namespace(item)
    base = f"http://{reference['name']}.{namespace}.svc.cluster.local/"
    return Destination(reference["name"], urljoin(base, uri))


def _settings(item: Object) -> dict[str, str]:
    """Our own annotations."""
    annotations = item["metadata"].get("annotations") or {}
    return {
        key.removeprefix(_ANNOTATIONS): str(value) for key, value in annotations.items() if key.startswith(_ANNOTATIONS)
    }


def _namespace(item: Object) -> str:
    return str(item["metadata"].get("namespace") or "default")
