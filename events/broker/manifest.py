"""Read Knative's Broker and Trigger objects, from files or from the Kubernetes API, into the model of delivery."""

import logging
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime

from events.broker.destinations import Object, by_name, destination
from events.broker.filters import subscriptions
from events.broker.filters.subscriptions import Filter
from events.broker.model import (
    CONCURRENCY,
    MAX_BYTES,
    MAX_CONCURRENCY,
    Broker,
    Delivery,
    DesiredState,
    Destination,
    Trigger,
)
from events.broker.retries import RetryPolicy, seconds

BROKER_CLASS = "JetStreamBridge"

_API_GROUP = "eventing.knative.dev/"
_CLASS_ANNOTATION = "eventing.knative.dev/broker.class"
_ANNOTATIONS = "jetstream.ticketing.dev/"
_FORMATS = {"binary": False, "json": True}
_BACKOFF_POLICIES = {"linear": False, "exponential": True}

# What reading a malformed object raises: its fields may hold anything.
SPEC_ERRORS = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)

_log = logging.getLogger(__name__)


def desired_state(objects: Iterable[Object]) -> DesiredState:
    """Return the desired state that objects declare; leave out malformed ones, and log why."""
    ours = [item for item in objects if str(item.get("apiVersion", "")).startswith(_API_GROUP)]
    made = [one for item in ours if (one := _attempt(item)) is not None]
    brokers = tuple(one for one in made if isinstance(one, Broker))
    names = {(one.namespace, one.name) for one in brokers}
    triggers = (one for one in made if isinstance(one, Trigger) and (one.namespace, one.broker) in names)
    return DesiredState(brokers, tuple(triggers))


def is_ours(item: Object) -> bool:
    """Tell whether a Broker is of our class."""
    annotations = item["metadata"].get("annotations") or {}
    return bool(annotations.get(_CLASS_ANNOTATION) == BROKER_CLASS)


def _attempt(item: Object) -> Broker | Trigger | None:
    """Read an object; None for a malformed one, another kind, or another class of Broker."""
    try:
        if item["kind"] == "Trigger":
            spec, home = item["spec"], namespace(item)
            subscriber = destination(spec["subscriber"], home, by_name)
            return trigger(item, subscriptions.of_trigger(spec), subscriber, _sink_by_name(item))
        return broker(item, _sink_by_name(item)) if item["kind"] == "Broker" and is_ours(item) else None
    except SPEC_ERRORS as error:
        _log.error(
            "object is malformed; ignored until it changes",
            extra={"kind": item.get("kind"), "object": _name(item), "reason": repr(error)},
        )
        return None


def _name(item: Object) -> str | None:
    metadata = item.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, Mapping) else None


def _sink_by_name(item: Object) -> Destination | None:
    sink = ((item.get("spec") or {}).get("delivery") or {}).get("deadLetterSink")
    return destination(sink, namespace(item), by_name) if sink else None


def broker(item: Object, sink: Destination | None) -> Broker:
    """Read a Broker of our class, whose delivery spec has this dead letter sink. Raises one of SPEC_ERRORS."""
    settings, metadata = _settings(item), item["metadata"]
    max_bytes = _number(settings, "max-bytes", MAX_BYTES)
    return Broker(
        namespace=namespace(item),
        name=str(metadata["name"]),
        delivery=_delivery((item.get("spec") or {}).get("delivery"), sink) or Delivery(),
        max_bytes=max_bytes,
        max_parked_bytes=_number(settings, "max-parked-bytes", 4 * max_bytes),
        replicas=_number(settings, "replicas", 1),
        reserved_sources=tuple(settings.get("reserved-sources", "").split()),
        uid=metadata.get("uid", ""),
    )


def trigger(item: Object, wanted: Filter, subscriber: Destination, sink: Destination | None) -> Trigger:
    """Read a Trigger with its filter and its destinations; `sink` belongs to its own delivery spec.

    Raises one of SPEC_ERRORS.
    """
    spec, metadata = item["spec"], item["metadata"]
    created = metadata.get("creationTimestamp")
    return Trigger(
        namespace=namespace(item),
        name=str(metadata["name"]),
        broker=str(spec["broker"]),
        filter=wanted,
        subscriber=subscriber,
        delivery=_delivery(spec.get("delivery"), sink),
        concurrency=_number(_settings(item), "concurrency", CONCURRENCY, MAX_CONCURRENCY),
        created=datetime.fromisoformat(created) if created else None,
        uid=metadata.get("uid", ""),
    )


def _delivery(spec: Object | None, sink: Destination | None) -> Delivery | None:
    """Read a delivery spec; a Trigger's replaces its Broker's as a whole (control-plane.md, BrokerSpec)."""
    if not spec:
        return None
    default = RetryPolicy()
    policy = RetryPolicy(
        retry=int(spec.get("retry", 0)),
        exponential=_one_of(_BACKOFF_POLICIES, spec, "backoffPolicy", "exponential"),
        backoff=seconds(spec["backoffDelay"]) if "backoffDelay" in spec else default.backoff,
        retry_after_max=seconds(spec["retryAfterMax"]) if "retryAfterMax" in spec else default.retry_after_max,
    )
    timeout = seconds(spec["timeout"]) if "timeout" in spec else Delivery().timeout
    if not timeout:
        raise ValueError("timeout is 0")
    structured = _one_of(_FORMATS, spec, "format", "binary")
    return Delivery(policy, timeout, sink, structured)


def _one_of(values: Mapping[str, bool], spec: Object, name: str, default: str) -> bool:
    given = spec.get(name) or default
    if given not in values:
        raise ValueError(f"{name} is {given!r}, expected one of {', '.join(values)}")
    return values[given]


def _number(settings: Mapping[str, str], name: str, default: int, most: int = sys.maxsize) -> int:
    given = settings.get(name, str(default))
    if not (given.isdecimal() and 0 < int(given) <= most):
        raise ValueError(f"{_ANNOTATIONS}{name} is {given!r}, expected a number from 1 to {most}")
    return int(given)


def _settings(item: Object) -> dict[str, str]:
    """Return our own annotations, names without their prefix."""
    annotations = item["metadata"].get("annotations") or {}
    return {
        key.removeprefix(_ANNOTATIONS): str(value) for key, value in annotations.items() if key.startswith(_ANNOTATIONS)
    }


def namespace(item: Object) -> str:
    """Return the namespace of an object."""
    return str(item["metadata"].get("namespace") or "default")
