"""Where everything is on one machine: ports, URLs, and where the names of the cluster's DNS lead."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from local import manifests, servers
from local.manifests import Manifest


class Addresses:
    """Addresses of the servers that the caller's environment gives, and free ports for all others."""

    def __init__(self, workloads: Iterable[Manifest], port: int, given: Mapping[str, str]) -> None:
        names = [found["metadata"]["name"] for found in workloads]
        hosts = sorted({host for found in workloads if (host := _database_host(found))})
        self.gateway = port
        self.nats, self.nats_monitoring, self.stripe, self.ingress, self.console, *ports = servers.free_ports(
            5 + len(hosts) + len(names), but=port
        )
        self.databases = {host: ports.pop() for host in hosts}
        self.workloads = dict(zip(names, ports, strict=True))
        self.url = f"http://{servers.HOST}:{port}"
        self.console_url = f"http://{servers.HOST}:{self.console}"
        self.nats_url = given.get("NATS_URL") or f"nats://{servers.HOST}:{self.nats}"
        # Of the stand-in; there is none if the caller gives a payment provider.
        self.stripe_url = None if given.get("STRIPE_API_BASE") else f"http://{servers.HOST}:{self.stripe}"
        self._given = given

    @property
    def stripe_api_base(self) -> str:
        """Where payments asks the provider."""
        return self.stripe_url or self._given["STRIPE_API_BASE"]

    def stripe_script(self, declared: str) -> str:
        """Return the URL of the script that the checkout page loads: the stand-in's, or the declared one."""
        return f"{self.stripe_url}/v3/" if self.stripe_url else declared

    def mongo_uri(self, declared: str) -> str:
        """Return the URI on this machine of a database that a manifest declares."""
        parts = urlsplit(declared)
        server = self._given.get("MONGO_URI") or servers.mongo_uri(self.databases[str(parts.hostname)])
        return servers.with_database(server, parts.path.strip("/"))

    def aliases(self) -> dict[str, str]:
        """Return `host:port` on this machine for each name of the cluster's DNS."""
        suffix = f"{manifests.namespace()}.svc.cluster.local"
        return {f"{name}.{suffix}": f"{servers.HOST}:{port}" for name, port in self.workloads.items()}


def _database_host(manifest: Manifest) -> str | None:
    """Return the name of the server that a workload's database is on, if it has one."""
    return urlsplit(manifests.environment(manifest).get("MONGO_URI", "")).hostname
