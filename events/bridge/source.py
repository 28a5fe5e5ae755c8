"""The one choice of a source of Brokers and Triggers: files on one machine, the Kubernetes API in a cluster."""

from collections.abc import Mapping
from pathlib import Path

from events.broker.source import Files, Source


def from_environment(environment: Mapping[str, str]) -> Source:
    """The source that an environment names: MANIFESTS a file or folder of YAML; without it, the Kubernetes API.

    INGRESS_URL is where the Brokers' ingress is reached in the cluster, for the addresses that Brokers report;
    CLUSTER_DOMAIN is the cluster's, if it is not `cluster.local`. With FINALIZERS=off no object is held until its
    streams and consumers are gone: where NATS goes together with the bridge, nobody would be there to let go of it.
    """
    if "MANIFESTS" in environment:
        return Files(Path(environment["MANIFESTS"]))
    from events.controller import cluster  # noqa: PLC0415 its client costs a third of a second, and 5 MB

    domain, holds = environment.get("CLUSTER_DOMAIN", "cluster.local"), environment.get("FINALIZERS") != "off"
    return cluster.connect(environment["INGRESS_URL"], domain, holds=holds)
