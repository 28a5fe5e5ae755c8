"""Whether each resource is what its JSON Schema says: Kubernetes' own, and ours of Knative's (knative.yaml)."""

import functools
import importlib.resources
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs

from local.manifests import parse
from tests.manifests.rendering import Manifest, label

# The oldest Kubernetes that docs/operations/install.md names. "Strict" schemas reject unknown properties.
_KUBERNETES = importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema" / "v1.34.0-local-strict"
[_KNATIVE] = parse((Path(__file__).parent / "knative.yaml").read_text())


def violations(manifests: list[Manifest]) -> Iterator[str]:
    """Every way in which a resource differs from its schema."""
    for manifest in manifests:
        validator = _validator(manifest["apiVersion"], manifest["kind"])
        if validator is None:
            yield f"{label(manifest)}: no schema for {manifest['apiVersion']} {manifest['kind']}"
            continue
        for error in validator.iter_errors(manifest):
            yield f"{label(manifest)}: {'.'.join(map(str, error.instance_path))}: {error.message}"


@functools.cache
def _validator(api_version: str, kind: str) -> jsonschema_rs.Validator | None:
    schema = _knative(api_version, kind) or _kubernetes(api_version, kind)
    return None if schema is None else jsonschema_rs.validator_for(schema, registry=_registry())


@functools.cache
def _registry() -> jsonschema_rs.Registry:
    definitions = json.loads((_KUBERNETES / "_definitions.json").read_text())
    return jsonschema_rs.Registry(
        [("https://kubernetes.io/api/_definitions.json", definitions), (_KNATIVE["$id"], _KNATIVE)]
    )


def _knative(api_version: str, kind: str) -> dict[str, Any] | None:
    name = f"{api_version}/{kind}"
    pointer = name.replace("/", "~1")
    return {"$ref": f"{_KNATIVE['$id']}#/$defs/{pointer}"} if name in _KNATIVE["$defs"] else None


def _kubernetes(api_version: str, kind: str) -> dict[str, Any] | None:
    """From a file such as networkpolicy-networking-v1.json, for networking.k8s.io/v1 NetworkPolicy."""
    if "." in api_version and not re.search(r"(^apps|^policy|^batch|\.k8s\.io)/", api_version):
        return None
    version = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    file = _KUBERNETES / f"{kind.lower()}-{version}.json"
    return json.loads(file.read_text()) if file.is_file() else None
