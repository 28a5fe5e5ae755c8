"""Knative's Broker and Trigger objects, read into what delivery needs. Sources of objects share this."""

import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from events.broker.filters import subscriptions
from events.broker.filters.subscriptions import Filter
from events.broker.model import (
    CONCURRENCY,
    MAX_BYTES,
    MOST_CONCURRENCY,
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

Object = Mapping[str, Any]
Resolve = Callable[[Object, str], str]  # a reference and the namespace of who refers → where it answers

MISTAKES = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)

_log = logging.getLogger(__name__)


class UnresolvedError(ValueError):
    """A reference that leads nowhere. `reason` in a word, as conditions have it; the message says more."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def desired_state(objects: Iterable[Object]) -> DesiredState:
    """Return the desired state that objects declare; leave out what cannot be understood, and log why."""
    ours = [item for item in objects if str(item.get("apiVersion", "")).startswith(_API_GROUP)]
    made = [one for item in ours if (one := _attempt(item)) is not None]
    brokers = tuple(one for one in made if isinstance(one, Broker))
    names = {(one.namespace, one.name) for one in brokers}
    triggers = (one for one in made if isinstance(one, Trigger) and (one.namespace, one.broker) in names)
    return DesiredState(brokers, tuple(triggers))


def is_ours(item: Object) -> bool:
    """Whether a Broker is of our class."""
    annotations = item["metadata"].get("annotations") or {}
    return bool(annotations.get(_CLASS_ANNOTATION) == BROKER_CLASS)


def _attempt(item: Object) -> Broker | Trigger | None:
    """None for other kinds, and other classes of Broker, as well."""
    try:
        if item["kind"] == "Trigger":
            return trigger(item, by_name)
        return broker(item, by_name) if item["kind"] == "Broker" and is_ours(item) else None
    except MISTAKES as error:
        _log.error("%s cannot be used", item.get("kind"), extra={"object": _name(item), "reason": repr(error)})
        return None


def _name(item: Object) -> str | None:
    metadata = item.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, Mapping) else None


def broker(item: Object, resolve: Resolve) -> Broker:
    """A Broker of our class. Raises one of MISTAKES; UnresolvedError for its dead letter sink."""
    settings, metadata = _settings(item), item["metadata"]
    return Broker(
        namespace=namespace(item),
        name=str(metadata["name"]),
        delivery=_delivery((item.get("spec") or {}).get("delivery"), namespace(item), resolve) or Delivery(),
        max_bytes=_number(settings, "max-bytes", MAX_BYTES),
        replicas=_number(settings, "replicas", 1),
        reserved_sources=tuple(settings.get("reserved-sources", "").split()),
        uid=metadata.get("uid", ""),
    )


def _filter(item: Object) -> Filter:
    return subscriptions.of_trigger(item["spec"])


def trigger(item: Object, resolve: Resolve, filter_of: Callable[[Object], Filter] = _filter) -> Trigger:
    """A Trigger. Raises one of MISTAKES; UnresolvedError for its subscriber or its dead letter sink."""
    spec, metadata = item["spec"], item["metadata"]
    created = metadata.get("creationTimestamp")
    return Trigger(
        namespace=namespace(item),
        name=str(metadata["name"]),
        broker=str(spec["broker"]),
        filter=filter_of(item),
        subscriber=destination(spec["subscriber"], namespace(item), resolve),
        delivery=_delivery(spec.get("delivery"), namespace(item), resolve),
        concurrency=_number(_settings(item), "concurrency", CONCURRENCY, MOST_CONCURRENCY),
        created=datetime.fromisoformat(created) if created else None,
        uid=metadata.get("uid", ""),
    )


def _delivery(spec: Object | None, home: str, resolve: Resolve) -> Delivery | None:
    """A Trigger's delivery replaces its Broker's as a whole (control-plane.md, BrokerSpec)."""
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
    sink = spec.get("deadLetterSink")
    structured = _one_of(_FORMATS, spec, "format", "binary")
    return Delivery(policy, timeout, destination(sink, home, resolve) if sink else None, structured)


def destination(spec: Object, home: str, resolve: Resolve) -> Destination:
    """Where a Destination leads, written in an object of namespace `home`. Raises UnresolvedError.

    A uri beside a reference is relative to it; one without has a scheme and a host, whichever they are: what cannot be
    delivered there is a dead letter (control-plane.md, "Destination Resolution").
    """
    if spec.get("CACerts"):
        raise UnresolvedError("CACertsNotSupported", "certificate authorities of a destination's own are not supported")
    uri, reference = spec.get("uri") or "", spec.get("ref")
    parts = urlsplit(uri)
    if not reference:
        if not (parts.scheme and parts.hostname):
            raise UnresolvedError("InvalidUri", f"no absolute uri: {uri!r}")
        return Destination(uri, uri)
    if parts.scheme or parts.netloc:
        raise UnresolvedError("InvalidUri", f"beside a ref, a uri is relative: {uri!r}")
    url = urljoin(resolve(reference, home), uri)
    return Destination(reference["name"] if _is_service_of(home, reference, url) else url, url)


def by_name(reference: Object, home: str) -> str:
    """Where a Service answers, Knative's or Kubernetes', as its name alone tells. Raises UnresolvedError."""
    if not _is_service(reference):
        raise UnresolvedError("NotResolvable", f"the address of a {reference['kind']} is not known here")
    return f"http://{reference['name']}.{reference.get('namespace') or home}.svc.cluster.local/"


def _is_service_of(home: str, reference: Object, url: str) -> bool:
    """Its host has to say the same: a Knative Service says itself where it answers, be that somebody else's address."""
    is_at_home = (urlsplit(url).hostname or "").startswith(f"{reference['name']}.{home}.")
    return _is_service(reference) and (reference.get("namespace") or home) == home and is_at_home


def _is_service(reference: Object) -> bool:
    group = reference.get("apiVersion", "").rpartition("/")[0]
    return reference["kind"] == "Service" and group in {"", "serving.knative.dev"}


def _one_of(values: Mapping[str, bool], spec: Object, name: str, default: str) -> bool:
    given = spec.get(name) or default
    if given not in values:
        raise ValueError(f"{name} is {given!r}, none of {', '.join(values)}")
    return values[given]


def _number(settings: Mapping[str, str], name: str, default: int, most: int = sys.maxsize) -> int:
    given = settings.get(name, str(default))
    if not (given.isdecimal() and 0 < int(given) <= most):
        raise ValueError(f"{_ANNOTATIONS}{name} is {given!r}, no number from 1 to {most}")
    return int(given)


def _settings(item: Object) -> dict[str, str]:
    """Our own annotations."""
    annotations = item["metadata"].get("annotations") or {}
    return {
        key.removeprefix(_ANNOTATIONS): str(value) for key, value in annotations.items() if key.startswith(_ANNOTATIONS)
    }


def namespace(item: Object) -> str:
    """The namespace of an object."""
    return str(item["metadata"].get("namespace") or "default")
