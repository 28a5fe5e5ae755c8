"""The users of a service's database: each can do its work and nothing else.

On SecantusDB, whose administrator is made before it asks for passwords, or on the MongoDB of MONGO_ADMIN_URI, whose
user `admin` has MONGO_ADMIN_PASSWORD.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from functions.shared.storage import database
from functions.shared.storage.transaction import Transaction, transaction
from functions.shared.storage.users import RELAY_ACTIONS
from local import servers
from tests.events.harness import Stage, event
from tests.events.outbox import await_stored
from tests.events.processes import Process
from tests.eventually import eventually
from tests.servers import running_server

pytestmark = pytest.mark.slow

Documents = Database[dict[str, Any]]

UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18
USERS = ("functions", "relay", "backup")
PASSWORDS = {user: f"password-of-{user}" for user in USERS}


@dataclass
class Server:
    """A server that asks for passwords. `exact` tells if rights to single collections count, unlike on SecantusDB."""

    uri: str
    password: str
    exact: bool

    @contextmanager
    def database(self, user: str, name: str, password: str = "") -> Iterator[Documents]:
        """Yield a database as a user sees it."""
        home = name if user in {"functions", "relay"} else "admin"
        with MongoClient[dict[str, Any]](
            self.uri, username=user, password=password or PASSWORDS[user], authSource=home
        ) as client:
            yield client[name]

    def save_users(self, name: str, **passwords: str) -> subprocess.CompletedProcess[str]:
        """Run the command that a CronJob runs, for a database."""
        environment = {
            **os.environ,
            "MONGO_URI": servers.with_database(self.uri, name),
            "ADMIN_PASSWORD": self.password,
            **{f"{user.upper()}_PASSWORD": password for user, password in {**PASSWORDS, **passwords}.items()},
        }
        command = [sys.executable, "-m", "functions.shared.storage.users"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if given := os.environ.get("MONGO_ADMIN_URI"):
        yield Server(given, os.environ["MONGO_ADMIN_PASSWORD"], exact=True)
        return
    port, folder = servers.free_port(), tmp_path_factory.mktemp("mongo")
    command, uri = servers.mongo_server(port, folder), servers.mongo_uri(port)
    with running_server(command, port), MongoClient[dict[str, Any]](uri) as client:
        client.admin.command("createUser", "admin", pwd="password-of-admin", roles=["root"])
    with running_server([*command, "--auth"], port):
        yield Server(uri, "password-of-admin", exact=False)


@pytest.fixture(scope="module")
def name(server: Server) -> str:
    """Return the name of a database that has its users."""
    name = f"orders_{secrets.token_hex(6)}"
    saved = server.save_users(name)
    assert saved.returncode == 0, saved.stdout
    return name


def _transaction(database: Documents) -> None:
    def work(writing: Transaction) -> None:
        for collection in ("orders", "outbox"):
            writing.insert(collection, {"_id": ObjectId()})

    transaction(database, work)


@dataclass(frozen=True)
class Action:
    """Something to do to a service's database, and who may; `exact` if that depends on the collection."""

    name: str
    act: Callable[[Documents], object]
    allowed: set[str]
    exact: bool = False


ACTIONS = [
    Action("write in a transaction", _transaction, {"functions"}, exact=True),
    Action("create an index", lambda found: found["orders"].create_index("userId"), {"functions"}),
    Action("read an order", lambda found: found["orders"].find_one(), {"functions", "backup"}, exact=True),
    Action("read the outbox", lambda found: found["outbox"].find_one(), set(USERS)),
    Action("follow the outbox", lambda found: found["outbox"].watch().close(), {"functions", "relay"}, exact=True),
    Action("follow all", lambda found: found.watch().close(), {"functions"}, exact=True),
    Action("forge an event", lambda found: found["outbox"].insert_one({}), {"functions"}, exact=True),
    Action(
        "change an event", lambda found: found["outbox"].update_one({}, {"$set": {"a": 1}}), {"functions"}, exact=True
    ),
    Action("delete events", lambda found: found["outbox"].delete_many({"a": 1}), {"functions", "relay"}),
    Action("save a checkpoint", lambda found: _upsert(found, "relay"), {"functions", "relay"}),
    Action("save a rejection", lambda found: _upsert(found, "refused"), {"functions", "relay"}),
    Action("drop a collection", lambda found: found["refused"].drop(), {"functions"}, exact=True),
    Action("drop the database", lambda found: found.client.drop_database(found.name), set()),
    Action("write another database", lambda found: found.client["other"]["a"].insert_one({}), set()),
    Action("read another database", lambda found: found.client["other"]["a"].find_one(), {"backup"}),
    Action("read passwords", lambda found: found.client["admin"]["system.users"].find_one(), {"backup"}, exact=True),
    Action("create a user", lambda found: found.command("createUser", "thief", pwd="a", roles=[]), set()),
    Action("change a password", lambda found: found.command("updateUser", "functions", pwd="a"), set()),
    Action("get a role", lambda found: found.command("grantRolesToUser", "relay", roles=["dbOwner"]), set()),
    Action("stop the server", lambda found: found.client["admin"].command("shutdown"), set(), exact=True),
]


def _upsert(database: Documents, collection: str) -> None:
    database[collection].update_one({"_id": ObjectId()}, {"$set": {"a": 1}}, upsert=True)


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_a_user_may_do_what_its_work_needs(server: Server, name: str, user: str, action: Action) -> None:
    if action.exact and not server.exact:
        pytest.skip("SecantusDB gives a right to all collections of a database; MONGO_ADMIN_URI names a MongoDB")
    with server.database(user, name) as found:
        assert _is_allowed(action, found) == (user in action.allowed)


def _is_allowed(action: Action, found: Documents) -> bool:
    try:
        action.act(found)
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        return False
    return True


def test_the_relay_has_rights_to_its_collections_only() -> None:
    assert RELAY_ACTIONS.keys() == {"outbox", "relay", "refused"}
    assert set(RELAY_ACTIONS["outbox"]) & {"insert", "update"} == set()


@pytest.mark.parametrize("user", USERS)
def test_a_user_needs_its_password(server: Server, name: str, user: str) -> None:
    with server.database(user, name, "guessed") as found, pytest.raises(OperationFailure) as refused:
        found.command("ping")

    assert refused.value.code == AUTHENTICATION_FAILED


def test_without_a_user_nothing_is_read(server: Server, name: str) -> None:
    with MongoClient[dict[str, Any]](server.uri) as client, pytest.raises(OperationFailure) as refused:
        client[name]["orders"].find_one()

    assert refused.value.code == UNAUTHORIZED


def test_a_password_can_be_replaced_at_any_time(server: Server, name: str) -> None:
    with server.database("functions", name) as connected:
        connected.command("ping")

        server.save_users(name, functions="another")

        connected.command("ping")  # a connection that is there goes on
    with server.database("functions", name, "another") as changed:
        changed.command("ping")
    with server.database("functions", name) as old, pytest.raises(OperationFailure):
        old.command("ping")
    server.save_users(name)


def test_the_administrator_is_let_in_by_any_of_its_lines_and_gets_the_first(server: Server, name: str) -> None:
    changed = replace(server, password=f"changed\n{server.password}")

    assert changed.save_users(name).returncode == 0
    assert replace(server, password="changed").save_users(name).returncode == 0
    assert replace(server, password=f"{server.password}\nchanged").save_users(name).returncode == 0


def test_a_wrong_administrator_changes_nothing_and_its_password_is_not_logged(server: Server, name: str) -> None:
    failed = replace(server, password="guessed-secret").save_users(name, functions="guessed-too")

    assert failed.returncode == 1
    assert "database users not saved; the next run retries" in failed.stdout
    assert "guessed" not in failed.stdout + failed.stderr
    with server.database("functions", name) as unchanged:
        unchanged.command("ping")


def test_functions_and_relay_work_as_their_users(
    server: Server, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"orders_{secrets.token_hex(6)}"
    server.save_users(name)
    uri = servers.with_database(server.uri, name)
    stage.start_bridge()
    broker = f"{stage.stream_names.namespace}/{stage.stream_names.broker}"
    user = {"MONGO_USER": "relay", "MONGO_PASSWORD": PASSWORDS["relay"]}
    relay = Process(
        "events.relay", {"MONGO_URI": uri, **user, "NATS_URL": stage.nats_url, "BROKER": broker}, tmp_path / "relay.log"
    )
    try:
        relay.await_ready()
        for variable, value in (("URI", uri), ("USER", "functions"), ("PASSWORD", PASSWORDS["functions"])):
            monkeypatch.setenv(f"MONGO_{variable}", value)

        committing = database.database()
        transaction(committing, _commit)
        committing.client.close()

        await_stored(stage, 1)
        with server.database("functions", name) as found:
            eventually(lambda: found["relay"].count_documents({"at": {"$exists": True}}) == 1)
        assert PASSWORDS["relay"] not in relay.log
    finally:
        relay.kill()


def _commit(committing: Transaction) -> None:
    row_id = ObjectId()
    created = event("dev.ticketing.order.created", id=str(row_id), source="/ticketing/orders")
    committing.insert("outbox", {"_id": row_id, "event": created})
