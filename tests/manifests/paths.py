"""Whether requests and events find their way through Knative and no other: what passes between our pods and others."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.manifests.policies import Pod, Policies
from tests.manifests.rendering import Manifest, containers, label, pod_labels, workloads

_ACTIVATOR = Pod({"app": "activator"}, {"kubernetes.io/metadata.name": "knative-serving"})
_INGRESS = Pod(
    {}, {"kubernetes.io/metadata.name": "kourier-system", "networking.knative.dev/ingress-provider": "kourier"}
)
_STRANGER = Pod({}, {"kubernetes.io/metadata.name": "elsewhere"})
_REQUESTS, _REQUESTS_HTTP2, _CONCURRENCY = 8012, 8013, 9090  # of Knative's queue proxy
_FUNCTION = 8080  # beside it
_INTERNAL = 8081  # where Kourier takes requests of the cluster


def violations(manifests: list[Manifest]) -> Iterator[str]:
    """Every pod that Knative or events do not reach, or that a pod reaches past Knative."""
    policies = Policies(manifests)
    for workload in workloads(manifests):
        mistakes = [*_in(workload, policies), *_out(workload, policies)]
        yield from (f"{label(workload)}: {mistake}" for mistake in mistakes)


def _in(workload: Manifest, policies: Policies) -> Iterator[str]:
    pod = policies.ours(workload)
    if workload["kind"] == "Service":
        for port in (_REQUESTS, _REQUESTS_HTTP2, _CONCURRENCY):
            if not all(policies.let_in(pod, knative, port) for knative in (_ACTIVATOR, _INGRESS)):
                yield f"Knative cannot reach its port {port}"
        if any(policies.let_in(pod, anybody, _FUNCTION) for anybody in (_ACTIVATOR, _INGRESS, _STRANGER)):
            yield "can be reached past Knative's proxy"
    if ingress := _ingress_port(workload):
        if not policies.let_in(pod, _STRANGER, ingress):
            yield "no pod can bring it events"
    elif any(policies.let_in(pod, _STRANGER, port) for port in _ports(workload)):
        yield "can be reached from any namespace"


def _out(workload: Manifest, policies: Policies) -> Iterator[str]:
    pod = policies.ours(workload)
    reaches = policies.let_out(pod, _INGRESS, _INTERNAL)
    if _calls_functions(workload) and not reaches:
        yield "cannot reach Knative's ingress"
    if reaches and not _calls_functions(workload):
        yield "can reach Knative's ingress"
    if _ingress_port(workload) and not policies.let_out(pod, _STRANGER, _FUNCTION):
        yield "cannot deliver to other namespaces"


def _calls_functions(workload: Manifest) -> bool:
    """The gateway by its routes, the bridge by Triggers, others where their environment names a Knative Service."""
    urls = [entry.get("value", "") for container in containers(workload) for entry in container.get("env", [])]
    return pod_labels(workload)["app.kubernetes.io/component"] in {"gateway", "bridge"} or any(
        (urlsplit(url).hostname or "").endswith(".svc.cluster.local") for url in urls
    )


def _ingress_port(workload: Manifest) -> int | None:
    """Where the bridge takes events in."""
    entries = {entry["name"]: entry.get("value") for entry in containers(workload)[0].get("env", [])}
    return int(entries["INGRESS_PORT"]) if "INGRESS_PORT" in entries else None


def _ports(workload: Manifest) -> list[int]:
    named = [port["containerPort"] for port in containers(workload)[0].get("ports", [])]
    return [*named, _REQUESTS, _REQUESTS_HTTP2] if workload["kind"] == "Service" else named
