"""Pod Security Standards, profile "restricted" (kubernetes.io/docs/concepts/security/pod-security-standards)."""

from collections.abc import Iterator

from tests.manifests.rendering import Manifest, containers, label, of_kind, pod_spec, workloads

_VOLUMES = {
    "name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip


def violations(manifests: list[Manifest]) -> Iterator[str]:
    """Every pod that a namespace of that profile would not take, and a namespace that would take others."""
    for namespace in of_kind(manifests, "Namespace"):
        if namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{label(namespace)}: Pod Security is not restricted"
    for workload in workloads(manifests):
        for mistake in _of_pod(pod_spec(workload)):
            yield f"{label(workload)}: {mistake}"
        for container in containers(workload):
            for mistake in _of_container(container, pod_spec(workload).get("securityContext", {})):
                yield f"{label(workload)}: {mistake}"


def _of_pod(pod: Manifest) -> Iterator[str]:
    yield from (f"has {name}" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name))
    for volume in pod.get("volumes", []):
        yield from (f"volume {volume['name']} is of kind {kind}" for kind in volume.keys() - _VOLUMES)


def _of_container(container: Manifest, of_pod: Manifest) -> Iterator[str]:
    given: Manifest = of_pod | container.get("securityContext", {})
    capabilities = given.get("capabilities", {})
    if given.get("privileged"):
        yield "is privileged"
    if given.get("allowPrivilegeEscalation") is not False:
        yield "may escalate its privileges"
    if capabilities.get("drop") != ["ALL"] or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "keeps capabilities"
    if given.get("runAsNonRoot") is not True or given.get("runAsUser") == 0:
        yield "may run as root"
    if given.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "has no seccomp profile"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "takes a port of its node"
