"""Destinations: the subscribers and dead letter sinks that Triggers and Brokers name, as URLs.

Rules: knative/specs control-plane.md, "Destination Resolution".
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from events.broker.model import Destination
from events.broker.urls import redact

Object = Mapping[str, Any]
Resolve = Callable[[Object, str], str]  # a reference and the namespace of the object that holds it → its URL


class UnresolvedError(ValueError):
    """A destination that has no URL. `reason` is one word, as in a condition; the message says more."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def destination(spec: Object, home: str, resolve: Resolve) -> Destination:
    """Resolve a Destination in an object of namespace `home`. Raises UnresolvedError.

    A uri beside a reference is relative to it; a uri alone is absolute.
    """
    if spec.get("CACerts"):
        raise UnresolvedError("CACertsNotSupported", "CACerts of a destination are not supported")
    uri, reference = spec.get("uri") or "", spec.get("ref")
    parts = urlsplit(uri)
    if not reference:
        if not (parts.scheme and parts.hostname):
            raise UnresolvedError("InvalidUri", f"uri is not absolute: {redact(uri)!r}")
        return Destination(uri, uri)
    if parts.scheme or parts.netloc:
        raise UnresolvedError("InvalidUri", f"uri beside a ref is not relative: {redact(uri)!r}")
    url = urljoin(resolve(reference, home), uri)
    return Destination(reference["name"] if _is_service_of(home, reference, url) else url, url)


def by_name(reference: Object, home: str) -> str:
    """Return the URL that a Service, Knative's or Kubernetes', has by its name. Raises UnresolvedError."""
    if not _is_service(reference):
        raise UnresolvedError("NotResolvable", f"only a Service has a known address, not a {reference['kind']}")
    return f"http://{reference['name']}.{reference.get('namespace') or home}.svc.cluster.local/"


def _is_service_of(home: str, reference: Object, url: str) -> bool:
    """Tell whether a reference is a Service of the namespace `home`, and its URL's host too.

    A Knative Service reports its own URL, which may be another Service's.
    """
    is_at_home = (urlsplit(url).hostname or "").startswith(f"{reference['name']}.{home}.")
    return _is_service(reference) and (reference.get("namespace") or home) == home and is_at_home


def _is_service(reference: Object) -> bool:
    group = reference.get("apiVersion", "").rpartition("/")[0]
    return reference["kind"] == "Service" and group in {"", "serving.knative.dev"}
