"""The real servers that the system stands on, as their wheels bring them: how each one is started.

The one-machine stack and the tests start the same commands; only ports and folders differ.
"""

import socket
import sys
from pathlib import Path

WHEEL_BINARIES = Path(sys.executable).parent
HOST = "127.0.0.1"


def nats_server(port: int, store: Path) -> list[str]:
    """NATS with JetStream, its files in `store`."""
    return [_binary("nats-server"), "--addr", HOST, "--port", str(port), "--jetstream", "--store_dir", str(store)]


def mongo_server(port: int, store: Path) -> list[str]:
    """SecantusDB, a server of MongoDB's protocol that is a replica set of one, its files in `store`.

    Without --sync-on-commit a kill -9 loses commits that were acknowledged.
    """
    options = ["--sync-on-commit", "--cache-size", "256M", "--log-level", "WARNING"]
    return [
        _binary("secantusd-py"), "--host", HOST, "--port", str(port), "--storage-path", str(store), *options,
    ]  # fmt: skip


def mongo_uri(port: int) -> str:
    """The URI of `mongo_server`, without a database.

    Its record of retryable writes makes each one slower than the last (10,000 of them: 46 writes a second), so
    the driver is told not to use them here. Real MongoDB keeps the driver's default.
    """
    return f"mongodb://{HOST}:{port}/?retryWrites=false"


def envoy(config: Path) -> list[str]:
    """Envoy with the configuration file `config`."""
    return [_binary("envoy"), "--config-path", str(config), "--log-level", "warning", "--concurrency", "1"]


def free_port() -> int:
    """A port that no one listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _binary(name: str) -> str:
    return str(WHEEL_BINARIES / name)
