"""The real servers that the system stands on, as their wheels bring them: how each one is started.

The one-machine stack and the tests start the same commands; only ports and folders differ.
"""

import os
import secrets
import socket
import sys
from collections import deque
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit, urlunsplit

WHEEL_BINARIES = Path(sys.executable).parent
HOST = "127.0.0.1"
UNPRIVILEGED_AND_NOT_EPHEMERAL = range(20_000, 32_768)
PORT_LANE, LANES = "PORT_LANE", 32
_given_of_late = deque[int](maxlen=128)

# SecantusDB is written in Python and keeps much in memory, all of which the collector walks through at every turn:
# a tenth of its processor time.
SELDOM_COLLECTING = """
import gc, runpy, sys
gc.set_threshold(50_000, 20, 100)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def nats_server(port: int, store: Path) -> list[str]:
    """NATS with JetStream, its files in `store`."""
    return [_binary("nats-server"), "--addr", HOST, "--port", str(port), "--jetstream", "--store_dir", str(store)]


def mongo_server(port: int, store: Path) -> list[str]:
    """SecantusDB, a server of MongoDB's protocol that is a replica set of one, its files in `store`.

    Without --sync-on-commit a kill -9 loses commits that were acknowledged.
    """
    program = [sys.executable, "-c", SELDOM_COLLECTING, _binary("secantusd-py")]
    options = ["--sync-on-commit", "--cache-size", "256M", "--log-level", "WARNING"]
    return [*program, "--host", HOST, "--port", str(port), "--storage-path", str(store), *options]


def mongo_uri(port: int) -> str:
    """The URI of `mongo_server`, without a database.

    Its record of retryable writes makes each one slower than the last (10,000 of them: 46 writes a second), so
    the driver is told not to use them here. Real MongoDB keeps the driver's default.
    """
    return f"mongodb://{HOST}:{port}/?retryWrites=false"


def with_database(uri: str, database: str) -> str:
    """A MongoDB URI with another database in its path.

    Who logs in stays the same: without an authSource, users are looked up in the database of the path.
    """
    parts = urlsplit(uri)
    options = {name.lower() for name, _ in parse_qsl(parts.query)}
    source = []
    if "@" in parts.netloc and not options & {"authsource", "authmechanism"}:
        source = [f"authSource={parts.path.strip('/') or 'admin'}"]
    return urlunsplit(parts._replace(path=f"/{database}", query="&".join(filter(None, [parts.query, *source]))))


def envoy(config: Path) -> list[str]:
    """Envoy with the configuration file `config`. Hot restarts would allow for one Envoy per machine only."""
    options = ["--log-level", "warning", "--file-flush-interval-msec", "1000", "--concurrency", "1"]
    return [_binary("envoy"), "--config-path", str(config), "--disable-hot-restart", *options]


def stripe_standin() -> list[str]:
    """The stand-in for the Stripe API. What it needs to know stands in its environment, since it has secrets."""
    return [sys.executable, "-m", "local.stripe_standin"]


def free_port() -> int:
    """A port that no one listens on now."""
    return free_ports(1)[0]


def free_ports(count: int, but: int | None = None) -> list[int]:
    """Different ports that no one listens on now, without the one that somebody will soon.

    They lie below those that the system gives to outgoing connections, which could take one while its server restarts.
    Several who look at once, each with a PORT_LANE of its own, never find the same, and who looks again does not find
    what it was given of late: its server may not listen yet, or be down between two starts.
    """
    with ExitStack() as probes:
        return [_bind_somewhere(probes.enter_context(socket.socket()), but) for _ in range(count)]


def _bind_somewhere(probe: socket.socket, but: int | None) -> int:
    lane = os.environ.get(PORT_LANE)
    ports = UNPRIVILEGED_AND_NOT_EPHEMERAL[int(lane) % LANES :: LANES] if lane else UNPRIVILEGED_AND_NOT_EPHEMERAL
    while True:
        port = secrets.choice(ports)
        if port == but or port in _given_of_late:
            continue
        with suppress(OSError):
            probe.bind((HOST, port))
            _given_of_late.append(port)
            return port


def _binary(name: str) -> str:
    return str(WHEEL_BINARIES / name)
