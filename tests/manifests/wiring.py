"""Whether what a resource names is there: subscribers, routes, domains, ConfigMaps, pods behind selectors."""

from collections.abc import Iterator

from local.manifests import parse
from tests.manifests.rendering import Manifest, containers, label, of_kind, pod_labels, pod_spec, workloads


def violations(manifests: list[Manifest]) -> Iterator[str]:
    """Every name that leads nowhere, and every key that two sides do not share."""
    yield from _subscribers(manifests)
    yield from _routes(manifests)
    yield from _domains(manifests)
    yield from _signatures(manifests)
    yield from _config_maps(manifests)
    yield from _selectors(manifests)


def _subscribers(manifests: list[Manifest]) -> Iterator[str]:
    services = {found["metadata"]["name"] for found in of_kind(manifests, "serving.knative.dev/Service")}
    brokers = {found["metadata"]["name"] for found in of_kind(manifests, "Broker")}
    for trigger in of_kind(manifests, "Trigger"):
        if (name := trigger["spec"]["subscriber"]["ref"]["name"]) not in services:
            yield f"{label(trigger)}: its subscriber {name} does not exist"
        if (name := trigger["spec"]["broker"]) not in brokers:
            yield f"{label(trigger)}: its broker {name} does not exist"


def _routes(manifests: list[Manifest]) -> Iterator[str]:
    functions = {
        f"{found['metadata']['name']}.{found['metadata']['namespace']}.svc.cluster.local"
        for found in of_kind(manifests, "serving.knative.dev/Service")
    }
    [config] = parse(_config_map(manifests, "gateway")["envoy.yaml"])
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    for host in manager["route_config"]["virtual_hosts"]:
        for route in (entry["route"] for entry in host["routes"] if "route" in entry):
            if (name := route.get("host_rewrite_literal")) not in {None, *functions}:
                yield f"gateway: there is no {name} behind a route"


def _domains(manifests: list[Manifest]) -> Iterator[str]:
    services = {found["metadata"]["name"] for found in of_kind(manifests, "serving.knative.dev/Service")}
    claimed = {
        found["metadata"]["name"]: found["spec"]["namespace"] for found in of_kind(manifests, "ClusterDomainClaim")
    }
    for mapping in of_kind(manifests, "DomainMapping"):
        if (name := mapping["spec"]["ref"]["name"]) not in services:
            yield f"{label(mapping)}: {name} does not exist"
        if claimed.get(mapping["metadata"]["name"]) != mapping["metadata"]["namespace"]:
            yield f"{label(mapping)}: its namespace has not claimed it"


def _signatures(manifests: list[Manifest]) -> Iterator[str]:
    """What signs deliveries is what functions look for; that those do is for the check of the environment to say."""
    services = {found["metadata"]["name"]: found for found in of_kind(manifests, "serving.knative.dev/Service")}
    [bridge] = [found for found in of_kind(manifests, "Deployment") if found["metadata"]["name"] == "bridge"]
    signing = _environment(bridge)
    for name in sorted({trigger["spec"]["subscriber"]["ref"]["name"] for trigger in of_kind(manifests, "Trigger")}):
        if name in services and _pair(services[name], "EVENTS_PUBLIC_KEYS") != _pair(bridge, "EVENTS_SIGNING_KEY"):
            yield f"{label(services[name])}: looks for another key than deliveries are signed with"
    if signing.get("EVENTS_DOMAIN") != f"{bridge['metadata']['namespace']}.svc.cluster.local":
        yield f"{label(bridge)}: signs for another domain than its functions have"


def _pair(workload: Manifest, variable: str) -> str:
    """The key pair that a variable has a half of: the first word of its secret's name."""
    reference = _environment(workload).get(variable)
    name: str = reference["secretKeyRef"]["name"] if reference else f"nothing in {label(workload)}"
    return name.partition("-")[0]


def _environment(workload: Manifest) -> Manifest:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in containers(workload)[0]["env"]}


def _config_maps(manifests: list[Manifest]) -> Iterator[str]:
    known = {found["metadata"]["name"] for found in of_kind(manifests, "ConfigMap")}
    for workload in workloads(manifests):
        for volume in pod_spec(workload).get("volumes", []):
            named = volume.get("configMap", {})
            if (name := named.get("name", "")) not in known | {""} and not named.get("optional"):
                yield f"{label(workload)}: no ConfigMap {name}"


def _selectors(manifests: list[Manifest]) -> Iterator[str]:
    pods = [pod_labels(workload) for workload in workloads(manifests)]
    for found in of_kind(manifests, "/Service", "PodDisruptionBudget"):
        selector = found["spec"]["selector"]
        wanted = selector.get("matchLabels", selector)
        if not any(wanted.items() <= labels.items() for labels in pods):
            yield f"{label(found)}: selects no pod"


def _config_map(manifests: list[Manifest], name: str) -> dict[str, str]:
    """What a generated ConfigMap holds, with any hash at the end of its name."""
    [found] = [found for found in of_kind(manifests, "ConfigMap") if found["metadata"]["name"].startswith(f"{name}-")]
    return found["data"]  # type: ignore[no-any-return]
