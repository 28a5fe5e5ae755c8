"""What else every workload of ours has: probes, limits, labels, fixed images, bounds of scale."""

import re
from collections.abc import Iterator

from tests.manifests.rendering import (
    Manifest,
    containers,
    init_containers,
    label,
    of_kind,
    pod_labels,
    pod_spec,
    workloads,
)

_FIXED = re.compile(r"[^:@]+(/[^:@]+)*(:[^:@]*\d+\.\d+[^:@]*(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})")
_BOUNDS = {f"autoscaling.knative.dev/{name}" for name in ("min-scale", "max-scale", "window")}
_LABELS = {f"app.kubernetes.io/{name}" for name in ("name", "component", "part-of")}


def violations(manifests: list[Manifest]) -> Iterator[str]:
    """Every workload that lacks something, and every resource that does not say what it is part of."""
    for manifest in manifests:
        if manifest["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") != "ticketing":
            yield f"{label(manifest)}: is not labelled as part of ticketing"
    for workload in workloads(manifests):
        yield from (f"{label(workload)}: {mistake}" for mistake in _of_workload(workload))
    for members in of_kind(manifests, "StatefulSet"):
        if "startupProbe" not in containers(members)[0]:
            yield f"{label(members)}: a member is ready before it has joined the others"
    for service in of_kind(manifests, "serving.knative.dev/Service"):
        yield from (f"{label(service)}: {mistake}" for mistake in _of_service(service))
    for role in of_kind(manifests, "ClusterRole", "Role"):
        for rule in role["rules"]:
            if "*" in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]} or "secrets" in rule["resources"]:
                yield f"{label(role)}: allows too much"


def writable(manifests: list[Manifest]) -> Iterator[str]:
    """Every container that may change the files of its image."""
    for workload in workloads(manifests):
        for container in containers(workload):
            if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
                yield f"{label(workload)}: may write to its root file system"


def _of_workload(workload: Manifest) -> Iterator[str]:
    for labels in (workload["metadata"].get("labels", {}), pod_labels(workload)):
        yield from (f"has no label {name}" for name in sorted(_LABELS - labels.keys()))
    pod = pod_spec(workload)
    if pod.get("automountServiceAccountToken") is not False and "serviceAccountName" not in pod:
        yield "gets a token for Kubernetes' API"
    for container in containers(workload):
        yield from _of_container(container)
        waited_for = workload["kind"] not in {"Job", "CronJob"} and container not in init_containers(workload)
        if waited_for and "readinessProbe" not in container:
            yield "has no readiness probe"


def _of_container(container: Manifest) -> Iterator[str]:
    resources = container.get("resources", {})
    for kind in ("requests", "limits"):
        yield from (f"has no {kind} of {name}" for name in ("cpu", "memory") if name not in resources.get(kind, {}))
    if "postStart" in container.get("lifecycle", {}):
        yield "has a postStart hook, and no address before that ends"
    if not _FIXED.fullmatch(container["image"]):
        yield f"its image {container['image']} has no full version"


def _of_service(service: Manifest) -> Iterator[str]:
    """Knative's own: bounds of scale, as many threads as requests, and functions private to the cluster."""
    template = service["spec"]["template"]
    yield from (f"does not say {name}" for name in sorted(_BOUNDS - template["metadata"].get("annotations", {}).keys()))
    if pod_labels(service).get("app.kubernetes.io/component") != "function":
        return
    threads = {entry["name"]: entry.get("value") for entry in template["spec"]["containers"][0]["env"]}.get("THREADS")
    if threads != str(template["spec"].get("containerConcurrency")):
        yield f"takes {template['spec'].get('containerConcurrency')} requests at a time with {threads} threads"
    if service["metadata"]["labels"].get("networking.knative.dev/visibility") != "cluster-local":
        yield "can be reached from outside of the cluster"
