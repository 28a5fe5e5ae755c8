"""Functions one by one, each through functions-framework's own app, configured as knative/ says."""

import secrets
from collections.abc import Iterator

import pytest

from functions.shared import database
from local import servers
from tests.functions.harness import Function, Make, Store, declared

SERVICES = ("auth", "tickets", "orders")


@pytest.fixture(scope="session")
def addresses(mongo_server: str) -> Iterator[dict[str, str]]:
    """The URI of each service's own database."""
    run = secrets.token_hex(6)
    yield {service: servers.with_database(mongo_server, f"{service}_{run}") for service in SERVICES}
    for opened in database._databases.values():
        opened.client.close()


@pytest.fixture(scope="session")
def stores(addresses: dict[str, str]) -> Iterator[dict[str, Store]]:
    """Every service's database, to see what a function left in it."""
    opened = {service: Store(uri) for service, uri in addresses.items()}
    yield opened
    for store in opened.values():
        store.close()


@pytest.fixture
def function(addresses: dict[str, str], stores: dict[str, Store]) -> Make:
    """Makes the function of a Knative Service's name; keyword arguments change its environment."""
    for store in stores.values():
        store.clear()

    def make(name: str, **environment: str) -> Function:
        declaration = declared()[name]
        given = {"MONGO_URI": addresses[name.partition("-")[0]]} if "MONGO_URI" in declaration else {}
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
