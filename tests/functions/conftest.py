"""Functions one by one, each through functions-framework's own app, configured as knative/ says."""

from collections.abc import Iterator

import pymongo
import pytest
import stripe

from functions.payments import stripe_client
from functions.shared import clock
from functions.shared.storage import database as connections
from tests.conftest import NewDatabase
from tests.functions.harness import Function, Make, Store, declared, migrate
from tests.functions.payment_scenario import DONE, PaymentScenario
from tests.properties.system import Time
from tests.provider import Provider

SERVICES = ("auth", "tickets", "orders", "payments")


@pytest.fixture(scope="session")
def stores(new_database: NewDatabase) -> Iterator[dict[str, Store]]:
    """Yield every service's database, to see what a function left in it."""
    opened = {service: Store(new_database(service)) for service in SERVICES}
    for service, store in opened.items():
        migrate(service, store.uri)
    yield opened
    for store in opened.values():
        store.close()
    for database in connections._databases.values():
        with pymongo.timeout(1):  # some tests have none behind their client, and a driver looks for half a minute
            database.client.close()


@pytest.fixture
def provider(provider: Provider) -> Provider:
    """The payment provider, in order and without any charges."""
    provider.reset()
    return provider


@pytest.fixture
def function(stores: dict[str, Store], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make the function of a Knative Service's name; keyword arguments change its environment.

    It pauses as little as it may before it asks the provider again.
    """
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    for store in stores.values():
        store.clear_after_use()

    def make(name: str, **environment: str) -> Function:
        declaration = declared()[name]
        given = {"MONGO_URI": stores[name.partition("-")[0]].uri} if "MONGO_URI" in declaration else {}
        if "STRIPE_API_BASE" in declaration:
            given["STRIPE_API_BASE"] = request.getfixturevalue("provider").url
        return Function(name, declaration | given | environment)

    return make


@pytest.fixture
def auth_store(stores: dict[str, Store]) -> Store:
    """The database of auth."""
    return stores["auth"]


@pytest.fixture
def tickets_store(stores: dict[str, Store]) -> Store:
    """The database of tickets."""
    return stores["tickets"]


@pytest.fixture
def orders_store(stores: dict[str, Store]) -> Store:
    """The database of orders."""
    return stores["orders"]


@pytest.fixture
def payments_store(stores: dict[str, Store]) -> Store:
    """The database of payments."""
    return stores["payments"]


@pytest.fixture
def scenario(function: Make, payments_store: Store, provider: Provider) -> PaymentScenario:
    """An order that payments knows, and what can happen around its payment."""
    scenario = PaymentScenario(function, payments_store, provider)
    assert scenario.hear("created", 0) == DONE
    return scenario


@pytest.fixture
def charged(scenario: PaymentScenario) -> PaymentScenario:
    """Return a scenario whose card is charged, which only the provider knows."""
    scenario.charge()
    assert scenario.charges == [1999]
    return scenario


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The functions' time, which a test may let pass."""
    time = Time()
    monkeypatch.setattr(clock, "datetime", time)
    return time


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Functions wait for the provider for a second only."""
    stripe_client._client_of.cache_clear()
    monkeypatch.setattr(stripe_client, "TIMEOUT_SECONDS", 1.0)
    yield
    stripe_client._client_of.cache_clear()
