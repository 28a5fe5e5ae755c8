"""What NetworkPolicies let through, as far as knative/ uses them (networking.k8s.io/v1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.manifests.rendering import Manifest, of_kind, pod_labels

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Pod:
    """A pod as policies see it, by its labels and those of its namespace."""

    labels: Labels
    namespace: Labels


@dataclass
class Policies:
    """Those of our namespace, and what it is called by."""

    manifests: list[Manifest]
    namespace: Labels = field(init=False)

    def __post_init__(self) -> None:
        [namespace] = [found["metadata"] for found in of_kind(self.manifests, "Namespace")]
        self.namespace = {"kubernetes.io/metadata.name": namespace["name"], **namespace.get("labels", {})}

    def ours(self, workload: Manifest) -> Pod:
        """One of a workload's pods."""
        return Pod(pod_labels(workload), self.namespace)

    def let_in(self, pod: Pod, client: Pod, port: int) -> bool:
        """Whether one of our pods hears a client."""
        return not self.governing(pod, "Ingress") or any(
            _has(rule, port) and any(self._is_peer(peer, client) for peer in rule.get("from", []))
            for rule in self._rules(pod, "Ingress")
        )

    def let_out(self, pod: Pod, server: Pod, port: int) -> bool:
        """Whether one of our pods may speak to a server."""
        return not self.governing(pod, "Egress") or any(
            _has(rule, port) and any(self._is_peer(peer, server) for peer in rule.get("to", []))
            for rule in self._rules(pod, "Egress")
        )

    def let_out_of_the_cluster(self, pod: Pod, port: int) -> bool:
        """Whether one of our pods may speak to what is no pod."""
        return not self.governing(pod, "Egress") or any(
            _has(rule, port) and any("ipBlock" in peer for peer in rule.get("to", [{"ipBlock": {}}]))
            for rule in self._rules(pod, "Egress")
        )

    def governing(self, pod: Pod, direction: str) -> list[Manifest]:
        """The policies that say something of one of our pods. Where there is none, anything goes."""
        return [
            policy
            for policy in of_kind(self.manifests, "NetworkPolicy")
            if direction in policy["spec"]["policyTypes"] and _selects(policy["spec"]["podSelector"], pod.labels)
        ]

    def _rules(self, pod: Pod, direction: str) -> list[Manifest]:
        governing = self.governing(pod, direction)
        return [rule for policy in governing for rule in policy["spec"].get(direction.lower(), [])]

    def _is_peer(self, peer: Manifest, other: Pod) -> bool:
        if "ipBlock" in peer:
            return False
        selects_namespace = (
            _selects(peer["namespaceSelector"], other.namespace)
            if "namespaceSelector" in peer
            else other.namespace == self.namespace
        )
        return selects_namespace and _selects(peer.get("podSelector", {}), other.labels)


def _has(rule: Manifest, port: int) -> bool:
    return any(entry["port"] == port for entry in rule.get("ports", [{"port": port}]))


def _selects(selector: Manifest, labels: Labels) -> bool:
    """Of the operators of a label selector, those that we use."""
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(expression["key"]) in expression["values"]
        if expression["operator"] == "In"
        else expression["operator"] == "Exists" and expression["key"] in labels
        for expression in selector.get("matchExpressions", [])
    )
