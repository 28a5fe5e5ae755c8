"""Relay, bridge and nats-server as processes, to be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import requests

from local import servers
from tests.eventually import eventually
from tests.servers import await_port

TRIES = 3
TIMEOUT_SECONDS = 60


class Process:
    """A process of ours with its health address; its log is what it wrote to stdout."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        self.port, self.ingress_port = servers.free_ports(2)
        ports = {"PORT": str(self.port), "INGRESS_PORT": str(self.ingress_port), "HOST": servers.HOST}
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                env={**os.environ, **environment, **ports},
                stdout=output,
                stderr=output,
            )

    @property
    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text()

    def status(self, path: str) -> int:
        """Return the status of a probe, 0 without a response."""
        try:
            return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=TIMEOUT_SECONDS).status_code
        except requests.ConnectionError:
            return 0

    def await_ready(self) -> None:
        """Wait until it says that it is."""
        eventually(lambda: self.status("/readyz") == 200)

    def metrics(self) -> dict[str, float]:
        """What it measured, by series as Prometheus writes them."""
        text = requests.get(f"http://127.0.0.1:{self.port}/metrics", timeout=TIMEOUT_SECONDS).text
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {series: float(value) for series, _, value in lines}

    def local_ports(self) -> set[int]:
        """Its ends of its connections."""
        return {one.laddr.port for one in psutil.Process(self._process.pid).net_connections("tcp")}

    def remote_ports(self) -> set[int]:
        """Return the ports of the servers that it is connected to."""
        connections = psutil.Process(self._process.pid).net_connections("tcp")
        return {one.raddr.port for one in connections if one.raddr and one.status == psutil.CONN_ESTABLISHED}

    def command_line(self) -> list[str]:
        """Return its command and arguments."""
        return psutil.Process(self._process.pid).cmdline()

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.wait()

    def ask_to_stop(self) -> None:
        """Ask it to stop, and do not wait."""
        self._process.terminate()

    def await_end(self) -> int:
        """Return its exit code once it has ended."""
        return self._process.wait(TIMEOUT_SECONDS)

    def terminate(self) -> int:
        """Ask it to stop; returns its exit code."""
        self.ask_to_stop()
        return self.await_end()


class Server:
    """A server of a test's own, which may be killed and started again with what it stored."""

    def __init__(self, command: Callable[[int, Path], list[str]], store: Path) -> None:
        self.port = servers.free_port()
        self._command = command(self.port, store)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again; retry if it does not come up, as a supervisor does."""
        for _ in range(TRIES):
            self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
            with suppress(RuntimeError):
                return await_port(self._process, self.port)
            self.kill()
        raise RuntimeError(f"{self._command} does not start")

    def freeze(self) -> None:
        """Let it answer nothing, its connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class NatsServer(Server):
    """nats-server with JetStream, and with further options."""

    def __init__(self, store: Path, *options: str) -> None:
        super().__init__(lambda port, store: [*servers.nats_server(port, store), *options], store)

    @property
    def url(self) -> str:
        """Where it listens, now or once it is started."""
        return f"nats://{servers.HOST}:{self.port}"
