"""Relay, bridge and nats-server as processes, to be killed."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from local import servers
from tests.eventually import eventually


class Process:
    """A process of ours with its health address; its log is what it wrote to stdout."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        self.port = servers.free_port()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                env={**os.environ, **environment, "PORT": str(self.port)},
                stdout=output,
                stderr=output,
            )

    @property
    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text()

    def status(self, path: str) -> int:
        """The answer to a probe, 0 if nobody answers."""
        try:
            return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=5).status_code
        except requests.ConnectionError:
            return 0

    def await_ready(self) -> None:
        """Wait until it says that it is."""
        eventually(lambda: self.status("/readyz") == 200)

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        """Ask it to stop; returns its exit code."""
        self._process.terminate()
        return self._process.wait(10)


class Server:
    """A server of a test's own, which may be killed and started again with what it stored."""

    def __init__(self, command: Callable[[int, Path], list[str]], store: Path) -> None:
        self.port = servers.free_port()
        self._command = command(self.port, store)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, again perhaps."""
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class NatsServer(Server):
    """nats-server with JetStream."""

    def __init__(self, store: Path) -> None:
        super().__init__(servers.nats_server, store)

    @property
    def url(self) -> str:
        """Where it listens, now or once it is started."""
        return f"nats://{servers.HOST}:{self.port}"
