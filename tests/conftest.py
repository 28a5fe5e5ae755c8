"""The real servers that tests talk to, one of each per worker; their files; and which tests share a worker."""

import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.uri_parser import parse_uri

from events.runtime import publisher
from functions.payments import stripe_client
from functions.shared.storage import database, transaction
from local import servers
from tests.e2e.stack import Stack, running
from tests.eventually import PATIENCE_SECONDS
from tests.provider import Provider
from tests.servers import running_server
from tests.storefront import packages

NewDatabase = Callable[[str], str]

# Each is made by one worker only, for all tests that use it. The first one has the longest group of tests.
EXPENSIVE = ("stack", "rendered", "node_modules")
MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own there, as it does in /tmp
MAX_NAME = 100
MEMORY_BYTES = 4 << 30  # what the servers of a whole run store, with room to spare


def pytest_configure() -> None:
    """Prepare this process, a worker or the one that distributes the tests.

    Workers look for free ports in different lanes. What they start can be interrupted, even where a shell started the
    tests in the background, with SIGINT ignored. Files go into memory: servers that flush at each commit do not wait
    for a disk then, and what a killed server has written is there as on a disk. Bytecode is written, else hundreds of
    processes would compile what they import.
    """
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ[servers.PORT_LANE] = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "TMPDIR" not in os.environ and _is_usable(MEMORY):
        tempfile.tempdir = str(MEMORY)


def _is_usable(folder: Path) -> bool:
    """Return whether the folder is there, has room, and programs in it may be executed (containers often forbid it)."""
    if not os.access(folder, os.W_OK) or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(folder).free >= MEMORY_BYTES


@pytest.hookimpl(tryfirst=True)  # before xdist, which reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep on one worker the tests that share something expensive, and those that share a fixture of their module.

    The longest groups begin first, so that no worker is left alone with one in the end.
    """
    for item in items:
        if group := _shared(item):
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: _shared(item) not in EXPENSIVE)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a long text, a token for instance, by its argument: names must be the same in every worker."""
    return argname if isinstance(val, str) and len(val) > MAX_NAME else None


def _shared(item: pytest.Item) -> str | None:
    fixtures: dict[str, list[pytest.FixtureDef[object]]] = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    if found := next((name for name in EXPENSIVE if name in fixtures), None):
        return found
    scopes = {found[-1].scope for found in fixtures.values()}
    return item.nodeid.partition("::")[0] if "module" in scopes else None


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Let nothing of ours in this process give up because the machine stalls; a test of a time limit sets its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publisher, "_ACK_TIMEOUT", PATIENCE_SECONDS)
        patch.setattr(database, "TIMEOUT_SECONDS", PATIENCE_SECONDS)
        patch.setattr(stripe_client, "TIMEOUT_SECONDS", PATIENCE_SECONDS)
        patch.setattr(transaction, "TIMEOUT_SECONDS", PATIENCE_SECONDS)
        patch.setattr(transaction, "CONTENTION_SECONDS", PATIENCE_SECONDS)
        yield


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a NATS server with JetStream. Tests keep apart by the names of their streams."""
    port = servers.free_port()
    with running_server(servers.nats_server(port, tmp_path_factory.mktemp("nats")), port):
        yield f"nats://{servers.HOST}:{port}"


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URI of a MongoDB replica set, without a database: that of MONGO_URI, else a server of the run's own."""
    if given := os.environ.get("MONGO_URI"):
        yield given
        return
    port = servers.free_port()
    with running_server(servers.mongo_server(port, tmp_path_factory.mktemp("mongo")), port):
        yield servers.mongo_uri(port)


@pytest.fixture(scope="session")
def new_database(mongo_server: str) -> Iterator[NewDatabase]:
    """Yield a function that returns the URI of a new database; they are dropped in the end, as the server may stay."""
    made: list[str] = []

    def make(name: str) -> str:
        made.append(servers.with_database(mongo_server, f"{name}_{secrets.token_hex(6)}"))
        return made[-1]

    yield make
    with MongoClient[dict[str, object]](mongo_server) as client:
        for uri in made:
            client.drop_database(parse_uri(uri)["database"])


@pytest.fixture
def mongo_uri(new_database: NewDatabase) -> str:
    """Return the URI of a database that no other test has."""
    return new_database("test")


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """Yield the payment provider, which sends no webhooks. `reset` makes it forget everything."""
    with Provider(tmp_path_factory.mktemp("provider")) as started:
        yield started


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the packages that check the storefront and the workflows."""
    return packages.install(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield a running stack whose orders do not expire during a test, for all tests that leave it as they found it."""
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started
