"""How tests call functions and see what they left: nothing here knows what any function does."""

import functools
import importlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import flask
import functions_framework
import pymongo
from bson import ObjectId
from werkzeug.test import TestResponse

from events import keyring
from events.broker.model import Destination
from events.dispatcher.signature import Signer
from functions.shared.storage import migration
from local import manifests
from local.keys import generate, public_key
from tests import keys

SIGNING_KEY, EVENTS_SIGNING_KEY = generate("SESSION_SIGNING_KEY"), generate("EVENTS_SIGNING_KEY")
PUBLIC_KEY, EVENTS_PUBLIC_KEY = public_key(SIGNING_KEY), public_key(EVENTS_SIGNING_KEY)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
IN_A_PROCESS = "TEST_IS_IN_A_PROCESS"
CLOUDEVENT = "application/cloudevents+json"
SECRETS = {
    "SESSION_SIGNING_KEY": SIGNING_KEY,
    "SESSION_PUBLIC_KEYS": PUBLIC_KEY,
    "EVENTS_PUBLIC_KEYS": EVENTS_PUBLIC_KEY,
    "FINGERPRINT_KEY": "a key that only these tests know, and that is long enough for an HMAC",
    "STRIPE_KEY": keys.KEY,
    "STRIPE_PUBLISHABLE_KEY": keys.PUBLISHABLE_KEY,
    "STRIPE_WEBHOOK_SECRET": keys.WEBHOOK_SECRET,
}

Document = dict[str, Any]
Item = TypeVar("Item")
Result = TypeVar("Result")


def new_id() -> str:
    """An id that nothing has yet; later ones are higher."""
    return str(ObjectId())


class User:
    """A user who is signed in, unless `claims` make the token another one; a claim of None is left out."""

    def __init__(self, email: str = "buyer@example.com", **claims: object) -> None:
        self.id = new_id()
        self.email = email
        now = int(time.time())
        stated = {"id": self.id, "email": email, "iat": now, "exp": now + 3600} | claims
        self.claims = {name: value for name, value in stated.items() if value is not None}

    def token(self, signing_key: str = SIGNING_KEY) -> str:
        """The token that auth would issue."""
        return keyring.sign(self.claims, signing_key)


class Function:
    """One function behind functions-framework's app, called as the gateway or, if it takes events, the bridge would."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self.name = name
        at_run_time = {key: value for key, value in environment.items() if not key.startswith("FUNCTION_")}
        self.environment = {"K_SERVICE": name, **at_run_time}
        self._app = _app(environment["FUNCTION_SOURCE"], environment["FUNCTION_TARGET"])

    def call(
        self,
        method: str,
        path: str = "/",
        *,
        user: User | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,  # noqa: ANN401 - werkzeug's: json, data, content_type, query_string
    ) -> TestResponse:
        """Send a request and read its answer to the end."""
        sent = {"Authorization": f"Bearer {user.token()}"} if user else self._signature()
        with process(self.environment):
            client = self._app.test_client(use_cookies=False)
            return client.open(path, method=method, headers={**sent, **(headers or {})}, buffered=True, **options)

    def _signature(self) -> dict[str, str]:
        if "EVENTS_PUBLIC_KEYS" not in self.environment:
            return {}
        this = self.environment["K_SERVICE"]
        signature = Signer(EVENTS_SIGNING_KEY, "local").authorization(Destination(this, f"http://{this}.local/"))
        return {"Authorization": str(signature)}

    def deliver(
        self,
        event: Mapping[str, object],
        further: Mapping[str, str] | None = None,
        **options: Any,  # noqa: ANN401 - as above
    ) -> TestResponse:
        """Deliver a CloudEvent in binary mode, as the bridge does."""
        headers = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
        return self.call("POST", headers={**headers, **(further or {})}, json=event["data"], **options)


Make = Callable[..., Function]  # the fixture `function`: a Knative Service's name, and changes of its environment


@functools.cache
def _app(source: str, target: str) -> flask.Flask:
    create: Callable[[str, str], flask.Flask] = functions_framework.create_app
    return create(target, str(manifests.ROOT / source))


@contextmanager
def process(environment: Mapping[str, str]) -> Iterator[None]:
    """Be a process with this environment and no other variables.

    Calls within, from any thread, may be of functions that need no others; K_SERVICE makes two functions one process.
    Where that is a route's, which has no EVENTS_PUBLIC_KEYS, signatures of deliveries are not looked at.
    """
    if IN_A_PROCESS in os.environ:
        needed = {name: value for name, value in environment.items() if name != "EVENTS_PUBLIC_KEYS"}
        assert needed.items() <= os.environ.items()
        yield
        return
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update({**environment, IN_A_PROCESS: "true"})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def migrate(service: str, uri: str) -> None:
    """Prepare a service's database as its Job does."""
    module = importlib.import_module(f"functions.{service}.migrate")
    with process({"MONGO_URI": uri, "K_SERVICE": f"{service}-migrate"}):
        migration.migrate(module.INDEXES, module.MIGRATIONS)


def at_once(
    function: Function, call: Callable[[Item], Result], items: Iterable[Item], threads: int = 16
) -> list[Result]:
    """What `call` makes of each item, several at a time, in the process of `function`."""
    with process(function.environment), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(call, items))


class Store:
    """Shows and changes what a service's database holds; `uri` is where a function finds it."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._client: pymongo.MongoClient[Document] = pymongo.MongoClient(uri, tz_aware=True)
        self._database = self._client.get_default_database()
        self._is_used = True

    @property
    def uri(self) -> str:
        """The database's URI."""
        self._is_used = True
        return self._uri

    @property
    def database(self) -> pymongo.database.Database[Document]:
        """The database."""
        self._is_used = True
        return self._database

    def __getitem__(self, collection: str) -> pymongo.collection.Collection[Document]:
        return self.database[collection]

    def dump(self) -> dict[str, list[Document]]:
        """Return every row of every collection that has any."""
        rows = {name: list(self._database[name].find().sort("_id")) for name in self._database.list_collection_names()}
        return {name: found for name, found in rows.items() if found}

    def events(self) -> list[Document]:
        """Return the events in the outbox, in the order in which they were stored."""
        return [row["event"] for row in self._database["outbox"].find().sort("_id")]

    def clear(self) -> None:
        """Delete all rows; indexes stay."""
        for name in self._database.list_collection_names():
            self._database[name].delete_many({})

    def clear_after_use(self) -> None:
        """Do so if a test has had the database or its URI since the last time."""
        if self._is_used:
            self.clear()
        self._is_used = False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def said(response: TestResponse) -> tuple[int, object]:
    """Status and JSON of an answer."""
    assert response.content_type == "application/json", response.data
    return response.status_code, response.json


def refusal(status: int, *problems: str | tuple[str, str]) -> tuple[int, object]:
    """What `said` makes of a refusal; a problem is a message or a field and its message."""
    told = [{"message": p} if isinstance(p, str) else {"message": p[1], "field": p[0]} for p in problems]
    return status, {"errors": told}


def event(name: str, service: str, data: Mapping[str, object], **attributes: object) -> Document:
    """A CloudEvent as the bridge delivers it; attributes of None are left out."""
    subject = data.get("id") or data.get("orderId")
    stated: Document = {
        "specversion": "1.0",
        "id": new_id(),
        "source": f"/ticketing/{service}",
        "type": f"dev.ticketing.{name}",
        "subject": subject,
        "time": "2030-01-01T00:00:00.000Z",
        "datacontenttype": "application/json",
        "traceparent": TRACE,
        **attributes,
    }
    return {name: value for name, value in stated.items() if value is not None} | {"data": dict(data)}


def assert_event(
    found: Mapping[str, object], name: str, subject: str, data: Mapping[str, object], **extensions: str
) -> None:
    """The CloudEvent is exactly the one that the contract describes."""
    service = f"{name.partition('.')[0]}s"
    told = dict(found)
    assert re.fullmatch("[0-9a-f]{24}", str(told.pop("id")))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(told.pop("time")))
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", str(told.pop("traceparent")))
    assert told == {
        "specversion": "1.0",
        "source": f"/ticketing/{service}",
        "type": f"dev.ticketing.{name}",
        "subject": subject,
        "datacontenttype": "application/json",
        "dataschema": f"https://ticketing.dev/schemas/{name}.v1.json",
        "partitionkey": subject,
        **extensions,
        "data": data,
    }


@functools.cache
def declared() -> dict[str, dict[str, str]]:
    """The environment that knative/ gives to each function, by its name; a secret's value is the tests' own.

    Secrets that may be missing are.
    """
    services = [found for found in manifests.read() if found["apiVersion"] == "serving.knative.dev/v1"]
    environments = {found["metadata"]["name"]: manifests.environment(found) for found in services}
    return {
        name: {
            variable: value if isinstance(value, str) else SECRETS[variable]
            for variable, value in environment.items()
            if isinstance(value, str) or not value["secretKeyRef"].get("optional")
        }
        for name, environment in environments.items()
        if "FUNCTION_SOURCE" in environment
    }
