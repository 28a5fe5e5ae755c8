"""What runs on one machine, read from knative/: each process with its command, environment and sign of readiness."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from local import gateway, manifests, probes, servers
from local.manifests import Manifest
from local.state import State

# What `make run` takes from the caller, and else from the manifests: whole numbers and the largest that makes sense.
SETTINGS = {
    "EXPIRATION_WINDOW_SECONDS": 2**31,
    "SETTLEMENT_DELAY_SECONDS": 2**31,
    "SIGNUP_INTERVAL_MILLISECONDS": 60_000,
    "SIGNIN_INTERVAL_MILLISECONDS": 60_000,
}
BRIDGE = "bridge"
# The rest of the caller's environment stays with the caller, as it would in a cluster.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


@dataclass(frozen=True)
class Process:
    """One process. Without a command it runs already and is only waited for."""

    name: str
    is_ready: probes.Probe
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    chatter: str = ""  # lines that hold this are not worth showing
    absence: str = ""  # what it means if it never becomes ready


class Plan:
    """Every process of the stack. `stages` are in the order in which they need each other."""

    def __init__(self, state: State, port: int, environment: Mapping[str, str] = os.environ) -> None:
        self._state = state
        self._given = environment
        workloads = [found for found in manifests.read() if _runs_our_code(found)]
        databases = sorted({host for found in workloads if (host := _database_host(found))})
        nats_port, self._provider_port, self._ingress_port, *ports = servers.free_ports(
            3 + len(databases) + len(workloads), but=port
        )
        self._database_ports = {host: ports.pop() for host in databases}
        self._ports = {found["metadata"]["name"]: number for found, number in zip(workloads, ports, strict=True)}
        self._routed = {route.function for route in gateway.routes()}
        self.url = f"http://{servers.HOST}:{port}"
        self.nats_url = environment.get("NATS_URL") or f"nats://{servers.HOST}:{nats_port}"
        given = environment.get("STRIPE_API_BASE")
        self.stripe_url = None if given else f"http://{servers.HOST}:{self._provider_port}"  # the stand-in's
        self.stages = [
            [self._nats(nats_port), *self._databases(), *self._provider()],
            [self._workload(found) for found in workloads],
            [self._gateway(port)],
        ]

    def _nats(self, port: int) -> Process:
        command = [] if self._given.get("NATS_URL") else servers.nats_server(port, self._folder("nats"))
        absence = "no NATS server answers at NATS_URL" if not command else ""
        return Process("nats", probes.nats(self.nats_url), command, self._inherited(), "[INF]", absence)

    def _databases(self) -> list[Process]:
        """A server for each service, as in a cluster, or the one that is given for all."""
        if given := self._given.get("MONGO_URI"):
            return [Process("mongo", probes.mongo(given), absence="no primary of a replica set answers at MONGO_URI")]
        return [self._mongo(host, port) for host, port in self._database_ports.items()]

    def _mongo(self, host: str, port: int) -> Process:
        command = servers.mongo_server(port, self._folder(host))
        return Process(host, probes.mongo(servers.mongo_uri(port)), command, self._inherited())

    def _provider(self) -> list[Process]:
        """The stand-in for the payment provider, unless the real one is given."""
        if self.stripe_url is None:
            return []
        environment = self._inherited() | {
            "PYTHONPATH": str(manifests.ROOT),
            "HOST": servers.HOST,
            "PORT": str(self._provider_port),
            "STRIPE_KEY": self._secret("stripe-secret", "STRIPE_KEY"),
            "STRIPE_WEBHOOK_SECRET": self._secret("stripe-secret", "STRIPE_WEBHOOK_SECRET"),
            "WEBHOOK_URL": f"{self.url}/api/payments/webhook",
            "DATABASE": str(self._folder("stripe") / "provider.sqlite"),
        }
        ready = probes.http(servers.HOST, self._provider_port, "/healthz")
        return [Process("stripe", ready, servers.stripe_standin(), environment)]

    def _workload(self, manifest: Manifest) -> Process:
        name, container = manifest["metadata"]["name"], manifests.container(manifest)
        program, *arguments = container["command"]
        ready = probes.http(servers.HOST, self._ports[name], container["readinessProbe"]["httpGet"]["path"])
        environment = self._inherited() | self._declared(manifest) | self._from_the_platform(manifest)
        if name == BRIDGE:  # there is no Kubernetes API that it could ask
            environment |= {"MANIFESTS": str(manifests.EVENTING), "INGRESS_PORT": str(self._ingress_port)}
        command = [*self._rank(name), str(servers.WHEEL_BINARIES / program), *arguments]
        return Process(name, ready, command, environment)

    def _rank(self, name: str) -> list[str]:
        """People wait for routes; events can wait for a processor."""
        return [] if name in self._routed else ["nice", "-n", "10"]

    def _gateway(self, port: int) -> Process:
        [manifest] = [
            found for found in manifests.read() if (found["kind"], found["metadata"]["name"]) == ("Service", "gateway")
        ]
        config = self._folder("gateway") / "envoy.yaml"
        config.write_text(gateway.configuration(port, self._places()))
        environment = self._inherited() | self._declared(manifest)
        return Process("gateway", probes.http(servers.HOST, port, "/healthz"), servers.envoy(config), environment)

    def _declared(self, manifest: Manifest) -> dict[str, str]:
        """The environment that the manifest declares, with what is different on one machine."""
        different: dict[str, Callable[[str], str]] = {
            "MONGO_URI": self._mongo_uri,
            "STRIPE_API_BASE": lambda _: self.stripe_url or self._given["STRIPE_API_BASE"],
            "NATS_URL": lambda _: self.nats_url,
            "COOKIE_SECURE": lambda _: "false",
            "CORS_ORIGINS": lambda declared: self._given.get("CORS_ORIGINS", declared),
        }
        declared = {}
        for name, value in manifests.environment(manifest).items():
            if isinstance(value, dict):
                reference = value["secretKeyRef"]
                declared[name] = self._secret(reference["name"], reference["key"])
            else:
                declared[name] = different.get(name, str)(value)
        return declared | {name: self._given[name] for name in SETTINGS if name in declared and self._given.get(name)}

    def _from_the_platform(self, manifest: Manifest) -> dict[str, str]:
        """What the image, Knative and cluster DNS give to every process."""
        name = manifest["metadata"]["name"]
        return {
            "PYTHONPATH": str(manifests.ROOT),
            "PYTHONUNBUFFERED": "1",
            "HOST": servers.HOST,
            "PORT": str(self._ports[name]),
            "K_SERVICE": name,
            "HOST_ALIASES": json.dumps(self._places()),
            # gunicorn puts a socket for its administration there, which would else be the same for all functions.
            "XDG_RUNTIME_DIR": str(self._folder("run", name)),
        }

    def _secret(self, name: str, key: str) -> str:
        """The caller's, or one that is made up: what is at stake is on this machine."""
        return self._given.get(key) or self._state.secret(name, key)

    def _mongo_uri(self, declared: str) -> str:
        parts = urlsplit(declared)
        server = self._given.get("MONGO_URI") or servers.mongo_uri(self._database_ports[str(parts.hostname)])
        return servers.with_database(server, parts.path.strip("/"))

    def _places(self) -> dict[str, str]:
        """Where the names of the cluster's DNS lead to on this machine."""
        suffix = f"{manifests.namespace()}.svc.cluster.local"
        return {f"{name}.{suffix}": f"{servers.HOST}:{port}" for name, port in self._ports.items()}

    def _inherited(self) -> dict[str, str]:
        return {name: self._given[name] for name in INHERITED if name in self._given}

    def _folder(self, *names: str) -> Path:
        folder = self._state.folder.joinpath(*names)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _runs_our_code(manifest: Manifest) -> bool:
    """Whether it runs the project's image: functions, relays and bridge."""
    return "spec" in manifest and "template" in manifest["spec"] and "command" in manifests.container(manifest)


def _database_host(manifest: Manifest) -> str | None:
    """The name of the server that its database is on, if it has one."""
    return urlsplit(manifests.environment(manifest).get("MONGO_URI", "")).hostname
