"""Servers from wheels: the commands that start them, and free ports for them."""

import os
import secrets
import socket
import sys
from collections import deque
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit, urlunsplit

WHEEL_BINARIES = Path(sys.executable).parent
NATS_CONFIGURATION = Path(__file__).with_name("nats.conf")
SECANTUSD = Path(__file__).with_name("secantusd.py")

HOST = "127.0.0.1"
UNPRIVILEGED_AND_NOT_EPHEMERAL = range(20_000, 32_768)
PORT_LANE, LANES = "PORT_LANE", 32
_recently_given = deque[int](maxlen=128)


def nats_server(port: int, store: Path, monitoring_port: int | None = None) -> list[str]:
    """NATS with JetStream, its files in `store`; /healthz is served at the monitoring port."""
    monitoring = ["--http_port", str(monitoring_port)] if monitoring_port else []
    options = ["--config", str(NATS_CONFIGURATION), "--jetstream", "--store_dir", str(store), *monitoring]
    return [_binary("nats-server"), "--addr", HOST, "--port", str(port), *options]


def mongo_server(port: int, store: Path) -> list[str]:
    """SecantusDB, a server of MongoDB's protocol that is a replica set of one, its files in `store`.

    Without --sync-on-commit a kill -9 loses commits that were acknowledged.
    """
    program = [sys.executable, "-P", str(SECANTUSD), _binary("secantusd-py")]
    options = ["--sync-on-commit", "--cache-size", "256M", "--log-level", "WARNING"]
    return [*program, "--host", HOST, "--port", str(port), "--storage-path", str(store), *options]


def mongo_uri(port: int) -> str:
    """Return the URI of `mongo_server`, without a database.

    SecantusDB scans its records of retryable writes at each one (with 10,000 of them 46 writes a second are left), so
    the driver does not use them here. Real MongoDB keeps the driver's default.
    """
    return f"mongodb://{HOST}:{port}/?retryWrites=false"


def with_database(uri: str, database: str) -> str:
    """Return a MongoDB URI with another database in its path.

    Users stay in the database where they were: without an authSource they are looked up in that of the path.
    """
    parts = urlsplit(uri)
    options = {name.lower() for name, _ in parse_qsl(parts.query)}
    source = []
    if "@" in parts.netloc and not options & {"authsource", "authmechanism"}:
        source = [f"authSource={parts.path.strip('/') or 'admin'}"]
    return urlunsplit(parts._replace(path=f"/{database}", query="&".join(filter(None, [parts.query, *source]))))


def envoy(config: Path) -> list[str]:
    """Envoy with the configuration file `config`. Hot restart would allow one Envoy per machine only."""
    options = ["--log-level", "warning", "--file-flush-interval-msec", "1000", "--concurrency", "1"]
    return [_binary("envoy"), "--config-path", str(config), "--disable-hot-restart", *options]


def stripe_standin() -> list[str]:
    """The stand-in for the Stripe API. It is configured by its environment, since that holds secrets."""
    return [sys.executable, "-m", "local.stripe_standin"]


def free_port() -> int:
    """Return a port on which no process listens now."""
    return free_ports(1)[0]


def free_ports(count: int, but: int | None = None) -> list[int]:
    """Return different ports on which no process listens now, without `but`, which will soon be taken.

    They lie below those that the system gives to outgoing connections, which could take one while its server restarts.
    Processes that look at the same time, each with a PORT_LANE of its own, never find the same port. A port that this
    process was given is not given again soon: its server may not listen yet, or be down between two starts.
    """
    with ExitStack() as probes:
        return [_bind_one(probes.enter_context(socket.socket()), but) for _ in range(count)]


def _bind_one(probe: socket.socket, but: int | None) -> int:
    lane = os.environ.get(PORT_LANE)
    ports = UNPRIVILEGED_AND_NOT_EPHEMERAL[int(lane) % LANES :: LANES] if lane else UNPRIVILEGED_AND_NOT_EPHEMERAL
    while True:
        port = secrets.choice(ports)
        if port == but or port in _recently_given:
            continue
        with suppress(OSError):
            probe.bind((HOST, port))
            _recently_given.append(port)
            return port


def _binary(name: str) -> str:
    return str(WHEEL_BINARIES / name)
