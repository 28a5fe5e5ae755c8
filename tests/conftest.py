"""The real servers that tests talk to: one of each for the whole run, started when first asked for."""

import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import servers

START_SECONDS = 30


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A NATS server with JetStream. Tests keep apart by the names of their streams."""
    port = servers.free_port()
    with _running(servers.nats_server(port, tmp_path_factory.mktemp("nats")), port):
        yield f"nats://{servers.HOST}:{port}"


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a MongoDB server, without a database."""
    port = servers.free_port()
    with _running(servers.mongo_server(port, tmp_path_factory.mktemp("mongo")), port):
        yield servers.mongo_uri(port)


@pytest.fixture
def mongo_uri(mongo_server: str) -> str:
    """The URI of a database that no other test has."""
    return servers.with_database(mongo_server, f"test_{secrets.token_hex(6)}")


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    """Run a server until the tests are done with it."""
    with subprocess.Popen(command, cwd=Path(command[0]).parent, stderr=subprocess.DEVNULL) as process:
        try:
            _await_port(process, port)
            yield
        finally:
            process.terminate()


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((servers.HOST, port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"{process.args!r} did not start")
