"""Every kustomization that people apply, rendered by kubectl's own kustomize."""

from pathlib import Path
from typing import Any

from local import manifests
from local.manifests import ROOT

Manifest = dict[str, Any]

KNATIVE = ROOT / "knative"
APPLIED = {"base": KNATIVE / "base"} | {folder.name: folder for folder in sorted(KNATIVE.glob("overlays/*"))}


def render(folder: Path) -> list[Manifest]:
    """Return the resources of a kustomization, as its files are now; RenderError if one has a mistake."""
    return manifests.parse(manifests.render(folder))


def label(manifest: Manifest) -> str:
    """How a complaint names a resource."""
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    """The resources of some kinds, as `kind` or, where two groups have the same, `group/kind`."""
    return [found for found in manifests if found["kind"] in kinds or _full_kind(found) in kinds]


def workloads(manifests: list[Manifest]) -> list[Manifest]:
    """What pods are made from."""
    return of_kind(manifests, "serving.knative.dev/Service", "Deployment", "StatefulSet", "Job", "CronJob")


def pod_labels(workload: Manifest) -> dict[str, str]:
    """The labels of a workload's pods, with the one that Knative adds."""
    labels: dict[str, str] = _template(workload)["metadata"]["labels"]
    if workload["kind"] == "Service":
        return labels | {"serving.knative.dev/service": workload["metadata"]["name"]}
    return labels


def pod_annotations(workload: Manifest) -> dict[str, str]:
    """The annotations of a workload's pods."""
    return _template(workload)["metadata"].get("annotations", {})  # type: ignore[no-any-return]


def pod_spec(workload: Manifest) -> Manifest:
    """What a workload's pods are."""
    return _template(workload)["spec"]  # type: ignore[no-any-return]


def _template(workload: Manifest) -> Manifest:
    spec = workload["spec"]["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else workload["spec"]
    return spec["template"]  # type: ignore[no-any-return]


def containers(workload: Manifest) -> list[Manifest]:
    """The containers of a workload's pods, the main one first, and those that run before it last."""
    return [*pod_spec(workload)["containers"], *init_containers(workload)]


def init_containers(workload: Manifest) -> list[Manifest]:
    """The containers of a workload's pods that end before the others start."""
    return pod_spec(workload).get("initContainers", [])  # type: ignore[no-any-return]


def _full_kind(manifest: Manifest) -> str:
    group: str = manifest["apiVersion"].rpartition("/")[0]
    return f"{group}/{manifest['kind']}"
