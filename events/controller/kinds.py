"""Kinds of Kubernetes objects, as resources of the client."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from lightkube.generic_resource import GenericNamespacedResource, create_namespaced_resource

Kind = type[GenericNamespacedResource]
Object = Mapping[str, Any]
Key = tuple[str, str]  # namespace and name

ALL_NAMESPACES = "*"  # the client's name for all namespaces

_API_VERSION = re.compile(r"(?:[a-z0-9.-]+/)?[a-z0-9]+")
_KIND = re.compile(r"[A-Za-z0-9]+")


@cache
def of(api_version: str, kind: str) -> Kind:
    """Return the resource of a kind. Raises ValueError for a malformed name.

    The resource's plural is guessed by the rule that Knative resolves references with (apimachinery,
    UnsafeGuessKindToResource): all Addressables follow it.
    """
    if not (_API_VERSION.fullmatch(api_version) and _KIND.fullmatch(kind)):
        raise ValueError(f"malformed kind of object: {api_version!r} {kind!r}")
    group, _, version = api_version.rpartition("/")
    return create_namespaced_resource(group, version, kind, _plural(kind.lower()))


def key(item: Object) -> Key:
    """Return an object's namespace and name."""
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def spec(item: Object) -> Mapping[str, Any]:
    """Return an object's spec, {} if it has none."""
    return item.get("spec") or {}


def _plural(name: str) -> str:
    if name.endswith("s"):
        return name + "es"
    return name.removesuffix("y") + "ies" if name.endswith("y") else name + "s"


BROKER = of("eventing.knative.dev/v1", "Broker")
TRIGGER = of("eventing.knative.dev/v1", "Trigger")
