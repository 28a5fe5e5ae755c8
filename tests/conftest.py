"""The real servers that tests talk to: one of each for the whole run, started when first asked for."""

import os
import secrets
import signal
from collections.abc import Iterator

import pytest

from events.runtime import publisher
from functions.shared.storage import database, transaction
from local import servers
from tests.e2e.stack import Stack, running
from tests.eventually import PATIENCE_SECONDS
from tests.provider import Provider
from tests.servers import running_server


def pytest_configure() -> None:
    """Workers that run side by side look for free ports in different places.

    What they start can be interrupted, also where a shell started the tests in the background, deaf to Ctrl-C.
    """
    os.environ[servers.PORT_LANE] = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Nothing of ours in this process gives up because the machine stood still; who tests a limit sets it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publisher, "_ACK_TIMEOUT", PATIENCE_SECONDS)
        patch.setattr(database, "TIMEOUT_SECONDS", PATIENCE_SECONDS)
        patch.setattr(transaction, "TIMEOUT_SECONDS", PATIENCE_SECONDS)
        patch.setattr(transaction, "CONTENTION_SECONDS", PATIENCE_SECONDS)
        yield


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A NATS server with JetStream. Tests keep apart by the names of their streams."""
    port = servers.free_port()
    with running_server(servers.nats_server(port, tmp_path_factory.mktemp("nats")), port):
        yield f"nats://{servers.HOST}:{port}"


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a MongoDB server, without a database."""
    port = servers.free_port()
    with running_server(servers.mongo_server(port, tmp_path_factory.mktemp("mongo")), port):
        yield servers.mongo_uri(port)


@pytest.fixture
def mongo_uri(mongo_server: str) -> str:
    """The URI of a database that no other test has."""
    return servers.with_database(mongo_server, f"test_{secrets.token_hex(6)}")


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """The payment provider, its webhooks going nowhere. `reset` makes it a new one."""
    with Provider(tmp_path_factory.mktemp("provider")) as started:
        yield started


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack whose orders do not expire during a test, for all tests that leave it as they found it."""
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started
