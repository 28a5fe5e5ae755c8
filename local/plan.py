"""What runs on one machine, read from knative/: each process with its command, environment and probes."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from local import cron, gateway, keys, manifests, probes, servers
from local.addresses import Addresses
from local.manifests import Manifest
from local.state import State

# What `make run` takes from the caller instead of from the manifests: whole numbers up to the largest one accepted.
SETTINGS = {
    "EXPIRATION_WINDOW_SECONDS": 2**31,
    "RENEWALS": 2**31,
    "RESERVATIONS_PER_BUYER": 2**31,
    "SETTLEMENT_DELAY_SECONDS": 2**31,
    "SIGNUP_INTERVAL_MILLISECONDS": 30_000,
    "SIGNIN_INTERVAL_MILLISECONDS": 30_000,
    "ORDER_INTERVAL_MILLISECONDS": 30_000,
    "PAYMENT_INTERVAL_MILLISECONDS": 30_000,
}
BRIDGE, CONSOLE, GATEWAY = "bridge", "console", "gateway"
# With OpenTelemetry's, for a collector of the caller's own; the rest of its environment stays with the caller, as it
# would in a cluster.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


@dataclass(frozen=True)
class Process:
    """One process. Without a command it runs already and is only waited for.

    `is_alive` is asked again and again once the process is ready; one that fails it is killed and started again. One
    that `ends` is ready when it has ended well.
    """

    name: str
    is_ready: probes.Probe
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    chatter: str = ""  # lines that hold this are not logged
    absence: str = ""  # the error if it never becomes ready
    is_alive: probes.Probe | None = None
    ends: bool = False


class Plan:
    """Every process of the stack. `stages` are in the order in which they need each other."""

    def __init__(self, state: State, port: int, environment: Mapping[str, str] = os.environ) -> None:
        resources = manifests.read()
        workloads = [found for found in resources if _runs_our_code(found)]
        [gateway_service] = [
            found for found in resources if (found["kind"], found["metadata"]["name"]) == ("Service", GATEWAY)
        ]
        self._state = state
        self._given = environment
        self._routed = {route.function for route in gateway.routes()}
        self.addresses = Addresses(workloads, port, environment)
        self.stages = [
            [self._nats(), *self._databases(), *self._provider()],
            [self._job(found) for found in resources if found["kind"] == "Job"],
            [*map(self._workload, workloads), *(self._scheduled(one) for one in resources if _is_scheduled(one))],
        ]
        self.stages.append([self._gateway(gateway_service), self._console()])  # the console shows what the others need

    @property
    def databases(self) -> dict[str, str]:
        """The URI of each database by its service's name."""
        uris = {process.environment.get("MONGO_URI", "") for process in self.stages[2]} - {""}
        return {uri.rpartition("/")[2].partition("?")[0]: uri for uri in sorted(uris)}

    def _nats(self) -> Process:
        ready = probes.nats(self.addresses.nats_url)
        if self._given.get("NATS_URL"):
            return Process("nats", ready, absence="no NATS server answers at NATS_URL")
        port, monitoring = self.addresses.nats, self.addresses.nats_monitoring
        command = servers.nats_server(port, self._folder("nats"), monitoring)
        alive = probes.http(servers.HOST, monitoring, "/healthz")
        return Process("nats", ready, command, self._inherited(), "[INF]", is_alive=alive)

    def _databases(self) -> list[Process]:
        """A server for each service, as in a cluster, or the one that is given for all."""
        if given := self._given.get("MONGO_URI"):
            return [Process("mongo", probes.mongo(given), absence="no primary of a replica set answers at MONGO_URI")]
        return [self._mongo(host, port) for host, port in self.addresses.databases.items()]

    def _mongo(self, host: str, port: int) -> Process:
        command, uri = servers.mongo_server(port, self._folder(host)), servers.mongo_uri(port)
        return Process(host, probes.mongo(uri), command, self._inherited(), is_alive=probes.mongo_storage(uri))

    def _provider(self) -> list[Process]:
        """The stand-in for the payment provider, unless the real one is given."""
        if self.addresses.stripe_url is None:
            return []
        environment = self._inherited() | {
            "PYTHONPATH": str(manifests.ROOT),
            "HOST": servers.HOST,
            "PORT": str(self.addresses.stripe),
            "STRIPE_KEY": self._secret("stripe-secret", "STRIPE_KEY"),
            "STRIPE_PUBLISHABLE_KEY": self._secret("stripe-secret", "STRIPE_PUBLISHABLE_KEY"),
            "STRIPE_WEBHOOK_SECRET": self._secret("stripe-secret", "STRIPE_WEBHOOK_SECRET"),
            "WEBHOOK_URL": f"{self.addresses.url}/api/payments/webhook",
            "DATABASE": str(self._folder("stripe") / "provider.sqlite"),
        }
        ready = probes.http(servers.HOST, self.addresses.stripe, "/healthz")
        return [Process("stripe", ready, servers.stripe_standin(), environment)]

    def _workload(self, manifest: Manifest) -> Process:
        name, container = manifest["metadata"]["name"], manifests.container(manifest)
        ready, alive = self._probe(name, container["readinessProbe"]), None
        if "livenessProbe" in container:
            alive = self._probe(name, container["livenessProbe"])
        environment = self._inherited() | self._declared(manifest) | self._from_the_platform(manifest)
        if name == BRIDGE:
            ready = probes.both(ready, self._brokers())
            # There is no Kubernetes API that it could ask.
            environment |= {"MANIFESTS": str(manifests.EVENTING), "INGRESS_PORT": str(self.addresses.ingress)}
        command = [*self._priority(name), *self._command(manifest)]
        return Process(name, ready, command, environment, is_alive=alive)

    def _job(self, manifest: Manifest) -> Process:
        """Return the process that runs a Job's command."""
        name, command = manifest["metadata"]["name"], self._command(manifest)
        return Process(name, probes.nothing, command, self._of_command(manifest), ends=True)

    def _scheduled(self, manifest: Manifest) -> Process:
        """Return the process that runs a CronJob's command, which needs nothing to be ready."""
        seconds = cron.interval(manifest["spec"]["schedule"])
        command = ["nice", "-n", "10", sys.executable, "-m", "local.cron", str(seconds), *self._command(manifest)]
        return Process(manifest["metadata"]["name"], probes.nothing, command, self._of_command(manifest))

    def _of_command(self, manifest: Manifest) -> dict[str, str]:
        """Return the environment of a command that serves nothing."""
        return self._inherited() | self._declared(manifest) | {"PYTHONPATH": str(manifests.ROOT)}

    @staticmethod
    def _command(manifest: Manifest) -> list[str]:
        program, *arguments = manifests.container(manifest)["command"]
        return [str(servers.WHEEL_BINARIES / program), *arguments]

    def _probe(self, name: str, declared: Manifest) -> probes.Probe:
        return probes.http(servers.HOST, self.addresses.workloads[name], declared["httpGet"]["path"])

    def _brokers(self) -> probes.Probe:
        """Probe that the Broker's log exists: only then the ingress rejects an invalid event, which no event is."""
        broker = manifests.broker()
        path = f"/{broker['namespace']}/{broker['name']}"
        return probes.http(servers.HOST, self.addresses.ingress, path, "POST", HTTPStatus.BAD_REQUEST)

    def _priority(self, name: str) -> list[str]:
        """Let routes run before all else: people wait for them, and not for events."""
        return [] if name in self._routed else ["nice", "-n", "10"]

    def _gateway(self, manifest: Manifest) -> Process:
        port, config = self.addresses.gateway, self._folder(GATEWAY) / "envoy.yaml"
        config.write_text(gateway.configuration(port, self.addresses.aliases()))
        ready = probes.http(servers.HOST, port, "/healthz")
        return Process(GATEWAY, ready, servers.envoy(config), self._inherited() | self._declared(manifest))

    def _console(self) -> Process:
        broker, port = manifests.broker(), self.addresses.console
        environment = self._inherited() | {
            "PYTHONPATH": str(manifests.ROOT),
            "HOST": servers.HOST,
            "PORT": str(port),
            "NATS_URL": self.addresses.nats_url,
            "BROKER": f"{broker['namespace']}/{broker['name']}",
            "MANIFESTS": str(manifests.EVENTING),
            "DATABASES": json.dumps(self.databases),
            "MACHINE": str(self._state.description),
        }
        if self.addresses.stripe_url:
            environment["PROVIDER_CONTROLS"] = f"{self.addresses.stripe_url}/test/behaviour"
        command = ["nice", "-n", "10", sys.executable, "-m", "events.console"]
        return Process(CONSOLE, probes.http(servers.HOST, port, "/readyz"), command, environment)

    def _declared(self, manifest: Manifest) -> dict[str, str]:
        """Return the environment that the manifest declares, with what is different on one machine."""
        different: dict[str, Callable[[str], str]] = {
            "MONGO_URI": self.addresses.mongo_uri,
            "STRIPE_API_BASE": lambda _: self.addresses.stripe_api_base,
            "NATS_URL": lambda _: self.addresses.nats_url,
            "STRIPE_JS_URL": self.addresses.stripe_script,
            "COOKIE_SECURE": lambda _: "false",
            "CORS_ORIGINS": lambda declared: self._given.get("CORS_ORIGINS", declared),
        }
        declared = {}
        for name, value in manifests.environment(manifest).items():
            if isinstance(value, dict):
                reference = value["secretKeyRef"]
                if self._has(**reference):
                    declared[name] = self._secret(reference["name"], reference["key"])
            else:
                declared[name] = different.get(name, str)(value)
        return declared | {name: self._given[name] for name in SETTINGS if name in declared and self._given.get(name)}

    def _from_the_platform(self, manifest: Manifest) -> dict[str, str]:
        """Return what the image, Knative and the cluster's DNS give to every process."""
        name = manifest["metadata"]["name"]
        return {
            "PYTHONPATH": str(manifests.ROOT),
            "PYTHONUNBUFFERED": "1",
            "HOST": servers.HOST,
            "PORT": str(self.addresses.workloads[name]),
            "K_SERVICE": name,
            "HOST_ALIASES": json.dumps(self.addresses.aliases()),
            # gunicorn's control socket lies there, which would else be the same one for all functions.
            "XDG_RUNTIME_DIR": str(self._folder("run", name)),
        }

    def _secret(self, name: str, key: str) -> str:
        """Return the caller's value, or one that is generated: it protects no more than this machine."""
        if given := self._given.get(key):
            return given
        if signing := keys.signing_key_of(key):
            return keys.public_key(self._secret(name.replace("public-keys", "signing-key"), signing))
        return self._state.secret(name, key)

    def _has(self, name: str, key: str, *, optional: bool = False) -> bool:
        """Tell if a secret has a value: one that may be missing is not generated."""
        return not optional or key in self._given or self._state.has_secret(name, key)

    def _inherited(self) -> dict[str, str]:
        return {name: value for name, value in self._given.items() if name in INHERITED} | self._telemetry()

    def _telemetry(self) -> dict[str, str]:
        """Return the caller's own settings of OpenTelemetry; without any, the console takes the spans."""
        given = {name: value for name, value in self._given.items() if _is_telemetry(name)}
        return given or {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{self.addresses.console_url}/v1/traces"}

    def _folder(self, *names: str) -> Path:
        folder = self._state.folder.joinpath(*names)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _is_telemetry(name: str) -> bool:
    """Tell whether a variable is one of OpenTelemetry's that hold for all processes."""
    return name.startswith("OTEL_") and name != "OTEL_SERVICE_NAME"


def _is_scheduled(manifest: Manifest) -> bool:
    """Tell whether a resource is a CronJob that runs by itself, unlike those of knative/base/operations."""
    return manifest["kind"] == "CronJob" and not manifest["spec"].get("suspend", False)


def _runs_our_code(manifest: Manifest) -> bool:
    """Tell whether a resource serves with the project's image, as functions, relays and bridge do."""
    if manifest["kind"] == "Job":
        return False
    return "spec" in manifest and "template" in manifest["spec"] and "command" in manifests.container(manifest)
