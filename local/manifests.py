"""Reads knative/: the part of kustomize that its base uses, so that one machine and the cluster run the same files."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
BASE = ROOT / "knative" / "base"
EVENTING = BASE / "eventing"
ENVOY = BASE / "gateway" / "envoy.yaml"

Manifest = dict[str, Any]


def read(folder: Path = BASE) -> list[Manifest]:
    """The resources of a kustomization, those of the folders in it too, with its JSON patches and labels.

    Generators and images are passed over: they matter in a cluster only.
    """
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    manifests = [found for name in kustomization["resources"] for found in _resource(folder / name)]
    for patch in kustomization.get("patches", []):
        operations = yaml.safe_load((folder / patch["path"]).read_text())
        for manifest in manifests:
            if _is_target(manifest, patch["target"]):
                _apply(operations, manifest)
    for labels in kustomization.get("labels", []):
        for manifest in manifests:
            _label(labels["pairs"], manifest)
    return manifests


def namespace() -> str:
    """The namespace that everything is in."""
    return str(yaml.safe_load((BASE / "kustomization.yaml").read_text())["namespace"])


def container(manifest: Manifest) -> Manifest:
    """The one container of a Knative Service or a Deployment."""
    return manifest["spec"]["template"]["spec"]["containers"][0]  # type: ignore[no-any-return]


def environment(manifest: Manifest) -> Manifest:
    """The container's environment: a variable's value, or its `valueFrom`."""
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container(manifest).get("env", [])}


def _resource(path: Path) -> list[Manifest]:
    return read(path) if path.is_dir() else list(yaml.safe_load_all(path.read_text()))


def _is_target(manifest: Manifest, target: Manifest) -> bool:
    group: str = manifest["apiVersion"].partition("/")[0]
    described = {"group": group, "kind": manifest["kind"], "name": manifest["metadata"]["name"]}
    return target.items() <= described.items()


def _label(pairs: dict[str, str], manifest: Manifest) -> None:
    """Label a resource, and the pods that are made from it."""
    for labelled in filter(None, [manifest, manifest.get("spec", {}).get("template")]):
        metadata = labelled.setdefault("metadata", {})
        metadata["labels"] = metadata.get("labels", {}) | pairs


def _apply(operations: list[Manifest], manifest: Manifest) -> None:
    """JSON Patch (RFC 6902), its operations that set a value; the last step is a key, or `-` for a list's end."""
    for operation in deepcopy(operations):  # or manifests would share the values, and change together
        *parents, last = [step.replace("~1", "/") for step in operation["path"].split("/")[1:]]
        place: Any = manifest
        for step in parents:
            place = place[int(step) if isinstance(place, list) else step]
        if last == "-":
            place.append(operation["value"])
        else:
            place[last] = operation["value"]
