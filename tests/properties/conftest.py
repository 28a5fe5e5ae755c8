"""A system of its own for each test."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import stripe

from functions.payments import provider as payment_provider
from functions.shared import clock
from functions.shared.storage import database
from tests.conftest import NewDatabase
from tests.properties.system import System, Time
from tests.provider import Provider

SERVICES = ("tickets", "orders", "payments")


@pytest.fixture
def system(new_database: NewDatabase, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """The functions with empty databases; their time is the test's to pass, and nobody pauses before trying again."""
    time = Time()
    monkeypatch.setattr(clock, "datetime", time)
    monkeypatch.setattr(clock, "REPLICATION_PATIENCE_SECONDS", 0)
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    monkeypatch.setattr(payment_provider, "SLACK", timedelta(days=1))  # the provider's time does not pass with ours
    uris = {service: new_database(service) for service in SERVICES}
    system = System(uris, time, provider)
    yield system
    system.close()
    for uri in database._databases.keys() & uris.values():
        database._databases.pop(uri).client.close()
