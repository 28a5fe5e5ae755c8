"""Whether pods reach those they name and no others; databases take connections of their own service only."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.manifests.policies import Pod, Policies
from tests.manifests.rendering import (
    Manifest,
    containers,
    label,
    of_kind,
    pod_annotations,
    pod_labels,
    pod_spec,
    workloads,
)

_APPLICATION = "app.kubernetes.io/name"
_NAMES = Pod({"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"})
_PROMETHEUS = Pod({}, {"kubernetes.io/metadata.name": "monitoring"})
_METADATA = 80  # of clouds, at an address that is no pod's
_FOR_BROWSERS = {"STRIPE_JS_URL"}  # addresses that pages name: the pod does not connect to them
_KUBERNETES = (443, 6443, 8443)  # where its API may be: behind its Service, on most clusters, on minikube


def violations(manifests: list[Manifest]) -> Iterator[str]:
    """Every pod that anything may reach, every server that a client cannot reach, or that a stranger can."""
    policies = Policies(manifests)
    for workload in workloads(manifests):
        yield from (f"{label(workload)}: {mistake}" for mistake in _of_pod(workload, policies))
    for service in of_kind(manifests, "/Service"):
        for server in (found for found in workloads(manifests) if _is_behind(service, found)):
            for client in workloads(manifests):
                yield from (f"{label(client)}: {mistake}" for mistake in _of_pair(client, service, server, policies))


def _of_pod(workload: Manifest, policies: Policies) -> Iterator[str]:
    pod = policies.ours(workload)
    for direction in ("Ingress", "Egress"):
        if not policies.governing(pod, direction):
            yield f"no policy limits its {direction.lower()}"
    if not policies.let_out(pod, _NAMES, 53):
        yield "cannot look up names"
    if not policies.let_out_of_the_cluster(pod, 53):
        yield "cannot ask its node for names"
    if policies.let_out_of_the_cluster(pod, _METADATA):
        yield "can ask its node for credentials"
    needed = _outside(workload)
    yield from (
        f"cannot reach out of the cluster, to {port}"
        for port in sorted(needed)
        if not policies.let_out_of_the_cluster(pod, port)
    )
    asks_stripe = any(entry["name"] == "STRIPE_KEY" for entry in _environment(workload))
    if not needed and not asks_stripe and policies.let_out_of_the_cluster(pod, 443):
        yield "reaches out of the cluster"
    told = pod_annotations(workload).get("prometheus.io/port")
    if told and not policies.let_in(pod, _PROMETHEUS, int(told)):
        yield "cannot be asked for its metrics"


def _outside(workload: Manifest) -> set[int]:
    """The ports that a pod needs out of the cluster, Kubernetes' API among it, which is no pod."""
    if "serviceAccountName" in pod_spec(workload):
        return set(_KUBERNETES)
    addresses = {entry["name"]: entry.get("value", "") for entry in _environment(workload)}
    return {443 for name, url in addresses.items() if url.startswith("https://") and name not in _FOR_BROWSERS}


def _of_pair(workload: Manifest, service: Manifest, server: Manifest, policies: Policies) -> Iterator[str]:
    """A client is who names a server in its environment; the rest of its application may be let in with it."""
    client, asked, port = policies.ours(workload), policies.ours(server), _port(service, server)
    reaches = policies.let_out(client, asked, port) and policies.let_in(asked, client, port)
    name = service["metadata"]["name"]
    names = any(urlsplit(entry.get("value", "")).hostname == name for entry in _environment(workload))
    related = client.labels.get(_APPLICATION) == asked.labels.get(_APPLICATION)
    if names and not reaches:
        yield f"cannot reach {name}"
    if reaches and not names and not related:
        yield f"can reach {name}"


def _is_behind(service: Manifest, workload: Manifest) -> bool:
    return bool(service["spec"]["selector"].items() <= pod_labels(workload).items())


def _port(service: Manifest, server: Manifest) -> int:
    """The number of the port that a Service leads to, which it calls by the name that the container gave it."""
    named = {port["name"]: port["containerPort"] for port in containers(server)[0]["ports"]}
    return int(named[service["spec"]["ports"][0]["targetPort"]])


def _environment(workload: Manifest) -> list[Manifest]:
    return [entry for container in containers(workload) for entry in container.get("env", [])]
