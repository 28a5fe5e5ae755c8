"""What NetworkPolicies let through: what is needed gets there, and databases hear nobody else."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.manifests.rendering import Manifest, containers, label, of_kind, pod_labels, pod_spec, workloads

Labels = dict[str, str]

_APPLICATION = "app.kubernetes.io/name"


def violations(manifests: list[Manifest]) -> Iterator[str]:
    """Every pod that anything may reach, every server that a client cannot reach, or that a stranger can."""
    policies = of_kind(manifests, "NetworkPolicy")
    for workload in workloads(manifests):
        yield from (f"{label(workload)}: {mistake}" for mistake in _of_pod(workload, policies))
    for service in of_kind(manifests, "/Service"):
        for workload in workloads(manifests):
            yield from (f"{label(workload)}: {mistake}" for mistake in _of_pair(workload, service, policies))


def _of_pod(workload: Manifest, policies: list[Manifest]) -> Iterator[str]:
    labels = pod_labels(workload)
    for direction in ("Ingress", "Egress"):
        if not _governing(policies, labels, direction):
            yield f"no policy limits its {direction.lower()}"
    reaches_out = any("ipBlock" in peer for rule in _rules(policies, labels, "Egress") for peer in rule.get("to", [{}]))
    asks_kubernetes = "serviceAccountName" in pod_spec(workload)  # its API is no pod
    asks_stripe = any(entry["name"] == "STRIPE_KEY" for entry in _environment(workload))
    if reaches_out and not asks_kubernetes and not asks_stripe:
        yield "reaches out of the cluster"


def _of_pair(workload: Manifest, service: Manifest, policies: list[Manifest]) -> Iterator[str]:
    """A client is who names a server in its environment; the rest of its application may be let in with it."""
    client, server = pod_labels(workload), service["spec"]["selector"]
    name, port = service["metadata"]["name"], service["spec"]["ports"][0]
    number = {"http": 8080}.get(port["targetPort"], port["port"])
    reaches = _allowed(policies, client, server, number, "Egress") and _allowed(
        policies, server, client, number, "Ingress"
    )
    names = any(urlsplit(entry.get("value", "")).hostname == name for entry in _environment(workload))
    related = client.get(_APPLICATION) == server.get(_APPLICATION)
    if names and not reaches:
        yield f"cannot reach {name}"
    if reaches and not names and not related:
        yield f"can reach {name}"


def _allowed(policies: list[Manifest], pod: Labels, other: Labels, port: int, direction: str) -> bool:
    peers = "to" if direction == "Egress" else "from"
    return not _governing(policies, pod, direction) or any(
        any(_is_peer(peer, other) for peer in rule.get(peers, []))
        and any(entry["port"] == port for entry in rule.get("ports", [{"port": port}]))
        for rule in _rules(policies, pod, direction)
    )


def _governing(policies: list[Manifest], pod: Labels, direction: str) -> list[Manifest]:
    return [
        policy
        for policy in policies
        if direction in policy["spec"]["policyTypes"] and _selects(policy["spec"]["podSelector"], pod)
    ]


def _rules(policies: list[Manifest], pod: Labels, direction: str) -> list[Manifest]:
    return [
        rule for policy in _governing(policies, pod, direction) for rule in policy["spec"].get(direction.lower(), [])
    ]


def _is_peer(peer: Manifest, pod: Labels) -> bool:
    """Whether a rule speaks of a pod in the policy's own namespace, which is where all of ours are."""
    return "podSelector" in peer and "namespaceSelector" not in peer and _selects(peer["podSelector"], pod)


def _selects(selector: Manifest, labels: Labels) -> bool:
    """Of the operators of a label selector, those that we use."""
    expressions = selector.get("matchExpressions", [])
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        expression["operator"] == "In" and labels.get(expression["key"]) in expression["values"]
        for expression in expressions
    )


def _environment(workload: Manifest) -> list[Manifest]:
    return [entry for container in containers(workload) for entry in container.get("env", [])]
