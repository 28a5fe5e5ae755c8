"""Functions one by one, each through functions-framework's own app, as knative/ configures it."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import functions_framework
import jwt
import pymongo
import pytest
import yaml
from pymongo.database import Database
from werkzeug.test import TestResponse

from functions.shared.database import Document, new_id

ROOT = Path(__file__).parents[2]
JWT_KEY = secrets.token_hex(32)
SERVICES = ("auth", "tickets", "orders", "expiration")


class User:
    """Somebody who is signed in, unless the token is another one."""

    def __init__(self, email: str = "buyer@example.com", **claims: object) -> None:
        self.id = new_id()
        self.email = email
        self.claims = {"id": self.id, "email": email, "iat": 1_700_000_000, "exp": 4_000_000_000} | claims

    def token(self, key: str = JWT_KEY, algorithm: str = "HS256") -> str:
        """The token that auth would issue."""
        return jwt.encode(self.claims, key, algorithm)


class Function:
    """One function behind functions-framework's app, called as the gateway or the broker would."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self._environment = environment | {"K_SERVICE": name}
        with self._configured():
            source = str(ROOT / environment["FUNCTION_SOURCE"])
            self._client = functions_framework.create_app(environment["FUNCTION_TARGET"], source).test_client()

    def call(
        self, method: str, path: str = "/", *, user: User | None = None, headers: Mapping[str, str] | None = None, **options: Any
    ) -> TestResponse:
        """Send a request; `options` are werkzeug's: json, data, content_type, query_string."""
        sent = dict(headers or {}) | ({"Authorization": f"Bearer {user.token()}"} if user else {})
        with self._configured():
            return self._client.open(path, method=method, headers=sent, **options)

    def post(self, json: object = None, **options: Any) -> TestResponse:
        """POST a JSON body."""
        return self.call("POST", json=json, **options)

    def deliver(self, event: Mapping[str, object]) -> TestResponse:
        """Deliver a CloudEvent in binary mode, as the bridge does."""
        headers = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
        return self.call("POST", headers=headers, json=event["data"])

    @contextmanager
    def _configured(self) -> Iterator[None]:
        before = dict(os.environ)
        os.environ.update(self._environment)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


@pytest.fixture
def databases(mongo_server: str) -> dict[str, str]:
    """The URI of each service's own database, fresh for this test."""
    run = secrets.token_hex(6)
    return {service: mongo_server.replace("/?", f"/{service}_{run}?") for service in SERVICES}


@pytest.fixture
def function(databases: dict[str, str]) -> Callable[..., Function]:
    """Makes the function of a Knative Service's name; keyword arguments change its environment."""

    def make(name: str, **environment: str) -> Function:
        service = name.partition("-")[0]
        secrets_and_addresses = {"JWT_KEY": JWT_KEY, "MONGO_URI": databases[service]}
        return Function(name, declared_environment(name) | secrets_and_addresses | environment)

    return make


@pytest.fixture
def database(databases: dict[str, str]) -> Iterator[Callable[[str], Database[Document]]]:
    """Opens a service's database, to see what a function left in it."""
    clients: list[pymongo.MongoClient[Document]] = []

    def open_database(service: str) -> Database[Document]:
        clients.append(pymongo.MongoClient(databases[service], tz_aware=True))
        return clients[-1].get_default_database()

    yield open_database
    for client in clients:
        client.close()


def declared_environment(name: str) -> dict[str, str]:
    """The plain environment variables that knative/ gives to a function."""
    for path in (ROOT / "knative").rglob("*.yaml"):
        for manifest in yaml.safe_load_all(path.read_text()):
            if manifest and manifest["kind"] == "Service" and manifest["metadata"]["name"] == name:
                container = manifest["spec"]["template"]["spec"]["containers"][0]
                return {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    raise LookupError(name)
