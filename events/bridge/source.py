"""Choose the source of Brokers and Triggers: files on one machine, the Kubernetes API in a cluster."""

from collections.abc import Mapping
from pathlib import Path

from events.broker.source import DesiredStateSource, Files


def from_environment(environment: Mapping[str, str]) -> DesiredStateSource:
    """Return the source that an environment names: MANIFESTS, a file or folder of YAML, or else the Kubernetes API.

    INGRESS_URL is the URL of the ingress in the cluster, for the addresses that Brokers report; CLUSTER_DOMAIN is the
    cluster's, if it is not `cluster.local`. With FINALIZERS=off objects get no finalizer: where bridge and NATS are
    uninstalled together with them, no bridge would be left to remove it.
    """
    if "MANIFESTS" in environment:
        return Files(Path(environment["MANIFESTS"]))
    from events.controller import cluster  # noqa: PLC0415 its client costs a third of a second, and 5 MB

    domain = environment.get("CLUSTER_DOMAIN", "cluster.local")
    return cluster.connect(environment["INGRESS_URL"], domain, use_finalizers=environment.get("FINALIZERS") != "off")
