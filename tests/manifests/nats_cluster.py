"""Three NATS servers from the production overlay's own files, on one machine."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from events.runtime.address import NatsAddress
from local import servers
from local.manifests import parse
from tests.events.processes import Process
from tests.manifests.rendering import KNATIVE
from tests.servers import await_port

FOLDER = KNATIVE / "overlays/production/nats"
USERS = ("tickets-relay", "orders-relay", "payments-relay", "bridge", "operator")
SIZE = 3


def password(user: str) -> str:
    """Return what a user's secret holds in these tests."""
    return f"password-of-{user}"


class NatsCluster:
    """The servers 0 to 2, each at a host, which tests may kill, pause and start again."""

    def __init__(self, folder: Path, hosts: Sequence[str] = (servers.HOST,) * SIZE) -> None:
        self._folder = folder
        self.hosts = hosts
        self.passwords = {user: password(user) for user in (*USERS, "routes")}
        ports = servers.free_ports(3 * SIZE)
        self.ports, self.route_ports, self.monitoring_ports = ports[:SIZE], ports[SIZE : 2 * SIZE], ports[2 * SIZE :]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def address(self, user: str, number: int = 0) -> NatsAddress:
        """Return where a user connects to, and as whom."""
        return NatsAddress(f"nats://{self.hosts[number]}:{self.ports[number]}", user, self.passwords[user])

    def environment(self, user: str, number: int = 0) -> dict[str, str]:
        """Return the environment of a client."""
        address = self.address(user, number)
        return {"NATS_URL": address.url, "NATS_USER": user, "NATS_PASSWORD": self.passwords[user]}

    def start(self, number: int) -> None:
        """Start a server, with what it stored if it ran before."""
        folder = self._folder / str(number)
        folder.mkdir(exist_ok=True)
        (folder / "users.conf").write_text((FOLDER / "users.conf").read_text())
        (folder / "nats.conf").write_text(self._configuration(number, folder))
        self._processes[number] = launch(folder, {**self._variables(), "POD_NAME": f"nats-{number}"})
        await_port(self._processes[number], self.ports[number], self.hosts[number])

    def _configuration(self, number: int, folder: Path) -> str:
        different = {
            "/data": str(folder / "data"),
            "127.0.0.1:8222": f"{self.hosts[number]}:{self.monitoring_ports[number]}",
            "0.0.0.0:6222": f"{self.hosts[number]}:{self.route_ports[number]}",
        }
        text = (FOLDER / "nats.conf").read_text()
        for there, here in different.items():
            assert there in text
            text = text.replace(there, here)
        return f'listen: "{self.hosts[number]}:{self.ports[number]}"\n{text}'

    def _variables(self) -> dict[str, str]:
        """Return the environment that servers.yaml declares, with the addresses of this machine."""
        [manifest] = parse((FOLDER / "servers.yaml").read_text())
        declared: dict[str, str] = {}
        for variable in manifest["spec"]["template"]["spec"]["containers"][0]["env"]:
            secret = variable.get("valueFrom", {}).get("secretKeyRef", {}).get("name", "")
            value = self.passwords[secret.removeprefix("nats-")] if secret else variable["value"]
            declared[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda found: declared[found[1]], value)
        for number, port in enumerate(self.route_ports):
            declared["ROUTES"] = declared["ROUTES"].replace(f"nats-{number}.nats:6222", f"{self.hosts[number]}:{port}")
        return declared

    def start_bridge(self, folder: Path, sink: str) -> Process:
        """Start a bridge with production's Broker and a Trigger that sends every event to a URL."""
        broker, *_ = parse((KNATIVE / "base/eventing/broker.yaml").read_text())
        [production] = parse((KNATIVE / "overlays/production/broker.yaml").read_text())
        broker["metadata"]["annotations"] |= production["metadata"]["annotations"]
        broker["metadata"]["namespace"] = "ticketing"
        trigger = {
            "apiVersion": "eventing.knative.dev/v1",
            "kind": "Trigger",
            "metadata": {"namespace": "ticketing", "name": "all"},
            "spec": {"broker": broker["metadata"]["name"], "subscriber": {"uri": sink}},
        }
        manifests = folder / "eventing.yaml"
        manifests.write_text(yaml.safe_dump_all([broker, trigger]))
        environment = {**self.environment("bridge"), "MANIFESTS": str(manifests)}
        return Process("events.bridge", environment, folder / "bridge.log")

    def kill(self, number: int) -> None:
        """End a server as a crash would."""
        process = self._processes.pop(number)
        process.kill()
        process.wait()

    def pause(self, number: int) -> None:
        """Let a server answer nothing, its connections open."""
        self._processes[number].send_signal(signal.SIGSTOP)

    def resume(self, number: int) -> None:
        """Let it go on."""
        self._processes[number].send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End all servers."""
        for number in list(self._processes):
            self.kill(number)

    def logs(self) -> str:
        """Return what all servers wrote."""
        return "".join(path.read_text() for path in self._folder.glob("*/log"))

    def command_lines(self) -> str:
        """Return the command lines of all servers."""
        return " ".join(str(process.args) for process in self._processes.values())


def launch(folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a server on the file nats.conf of a folder; it writes to the file `log` there."""
    program = servers.nats_server(0, folder)[0]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [program, "--config", str(folder / "nats.conf")], env={**os.environ, **environment}, stderr=log
        )


@contextmanager
def running_cluster(folder: Path, hosts: Sequence[str] = (servers.HOST,) * SIZE) -> Iterator[NatsCluster]:
    """Run all three servers until the end of the block."""
    cluster = NatsCluster(folder, hosts)
    try:
        for number in range(SIZE):
            cluster.start(number)
        yield cluster
    finally:
        cluster.close()
