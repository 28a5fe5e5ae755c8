"""A system of its own for each test."""

import secrets
from collections.abc import Iterator

import pytest

from functions.shared import clock, database
from local import servers
from tests.properties.system import System, Time

SERVICES = ("tickets", "orders")


@pytest.fixture
def system(mongo_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """The functions with empty databases; their time is the test's to pass, and no buyer waits for replication."""
    run, time = secrets.token_hex(6), Time()
    monkeypatch.setattr(clock, "datetime", time)
    monkeypatch.setattr(clock, "REPLICATION_PATIENCE_SECONDS", 0)
    uris = {service: servers.with_database(mongo_server, f"{service}_{run}") for service in SERVICES}
    system = System(uris, time)
    yield system
    system.close()
    for uri in database._databases.keys() & uris.values():
        database._databases.pop(uri).client.close()
