"""Kinds of objects, as the client of the Kubernetes API knows them."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from lightkube.generic_resource import GenericNamespacedResource, create_namespaced_resource

Kind = type[GenericNamespacedResource]
Object = Mapping[str, Any]
Key = tuple[str, str]  # namespace and name

EVERYWHERE = "*"  # all namespaces, in the client's words

_API_VERSION = re.compile(r"(?:[a-z0-9.-]+/)?[a-z0-9]+")
_KIND = re.compile(r"[A-Za-z0-9]+")


@cache
def of(api_version: str, kind: str) -> Kind:
    """A kind by its name. Raises ValueError if that is no name.

    Its resource's name is guessed, by the rule that Knative resolves references with (apimachinery,
    UnsafeGuessKindToResource): all Addressables follow it.
    """
    if not (_API_VERSION.fullmatch(api_version) and _KIND.fullmatch(kind)):
        raise ValueError(f"no kind of object: {api_version} {kind}")
    group, _, version = api_version.rpartition("/")
    return create_namespaced_resource(group, version, kind, _plural(kind.lower()))


def key(item: Object) -> Key:
    """What an object is found by among those of its kind."""
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def spec(item: Object) -> Mapping[str, Any]:
    """What an object asks for."""
    return item.get("spec") or {}


def _plural(name: str) -> str:
    if name.endswith("s"):
        return name + "es"
    return name.removesuffix("y") + "ies" if name.endswith("y") else name + "s"


BROKER = of("eventing.knative.dev/v1", "Broker")
TRIGGER = of("eventing.knative.dev/v1", "Trigger")
