"""A system of its own for each test."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
import stripe

from functions.shared import clock, replication
from functions.shared.storage import database
from tests.conftest import NewDatabase
from tests.properties.system import System, Time
from tests.provider import Provider

SERVICES = ("tickets", "orders", "payments")


@pytest.fixture
def system(new_database: NewDatabase, provider: Provider) -> Iterator[System]:
    """Yield the functions with databases of the test's own."""
    with assembled({service: new_database(service) for service in SERVICES}, provider) as system:
        yield system


@contextmanager
def assembled(uris: Mapping[str, str], provider: Provider) -> Iterator[System]:
    """Yield the functions with these databases; their time is the test's to pass, and none pauses before a retry."""
    time = Time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "datetime", time)
        patch.setattr(replication, "PATIENCE_SECONDS", 0)
        patch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
        system = System(uris, time, provider)
        yield system
    system.close()
    for uri in database._databases.keys() & uris.values():
        database._databases.pop(uri).client.close()
