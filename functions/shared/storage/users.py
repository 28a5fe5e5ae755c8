"""The users of a service's database, and what each may do.

`python -m functions.shared.storage.users` creates them, and gives those that exist the passwords of the environment and
the rights of this module. It may run at any time: a CronJob of the production overlay runs it every few minutes.

Environment: MONGO_URI with the service's database in its path; FUNCTIONS_PASSWORD, BACKUP_PASSWORD, and RELAY_PASSWORD
where the service has a relay; ADMIN_PASSWORD of the user who creates the others. That one may have several lines: the
first becomes the password, and each is tried.
"""

import os
import sys
from collections.abc import Mapping

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from functions.shared import log, trace
from functions.shared.storage.database import Document, Documents

ADMIN, FUNCTIONS, RELAY, BACKUP = "admin", "functions", "relay", "backup"
TIMEOUT_SECONDS = 60  # a new replica set may have no primary yet
USER_NOT_FOUND, AUTHENTICATION_FAILED, ROLE_NOT_FOUND = 11, 18, 31

# The relay's rights to each collection (events/relay). It cannot write to the outbox, and so forge no event there.
RELAY_ACTIONS = {
    "outbox": ["find", "changeStream", "remove"],
    "relay": ["find", "insert", "update"],
    "refused": ["find", "insert", "update", "remove"],
}


def main() -> None:
    """Save the users of the service's database; end with status 1 if that failed, as the next run may not."""
    trace.follow(None)
    try:
        with _connect(os.environ["MONGO_URI"], os.environ["ADMIN_PASSWORD"].split()) as client:
            database = client.get_default_database()
            save_users(database, _passwords(os.environ))
            log.info("database users saved", database=database.name)
    except PyMongoError as error:
        log.exception("database users not saved; the next run retries", error)
        sys.exit(1)


def save_users(database: Documents, passwords: Mapping[str, str]) -> None:
    """Create or update each user that has a password, as the administrator whom the database's client is.

    `functions` and `relay` are users of this database, `admin` and `backup` of the whole server.
    """
    if RELAY in passwords:
        privileges = [
            {"resource": {"db": database.name, "collection": name}, "actions": actions}
            for name, actions in RELAY_ACTIONS.items()
        ]
        _save(database, "Role", RELAY, ROLE_NOT_FOUND, privileges=privileges, roles=[])
    server = database.client[ADMIN]
    for user, home, role in (
        (ADMIN, server, "root"),
        (BACKUP, server, "backup"),
        (FUNCTIONS, database, "readWrite"),
        (RELAY, database, RELAY),
    ):
        if user in passwords:
            _save(home, "User", user, USER_NOT_FOUND, pwd=passwords[user], roles=[{"role": role, "db": home.name}])


def _passwords(environment: Mapping[str, str]) -> dict[str, str]:
    passwords = {
        ADMIN: environment["ADMIN_PASSWORD"].split()[0],
        BACKUP: environment["BACKUP_PASSWORD"],
        FUNCTIONS: environment["FUNCTIONS_PASSWORD"],
    }
    if password := environment.get("RELAY_PASSWORD"):
        passwords[RELAY] = password
    return passwords


def _connect(uri: str, passwords: list[str]) -> MongoClient[Document]:
    """Return a client of the administrator, with the first password that the server accepts, else with the last."""
    for password in passwords[:-1]:
        client = _administrator(uri, password)
        if _is_accepted(client):
            return client
        client.close()
    return _administrator(uri, passwords[-1])


def _administrator(uri: str, password: str) -> MongoClient[Document]:
    return MongoClient(uri, username=ADMIN, password=password, authSource=ADMIN, timeoutMS=TIMEOUT_SECONDS * 1000)


def _is_accepted(client: MongoClient[Document]) -> bool:
    try:
        client[ADMIN].command("ping")
    except OperationFailure as error:
        if error.code != AUTHENTICATION_FAILED:
            raise
        return False
    return True


def _save(database: Database[Document], kind: str, name: str, missing: int, **fields: object) -> None:
    try:
        database.command({f"update{kind}": name, **fields})
    except OperationFailure as error:
        if error.code != missing:
            raise
        database.command({f"create{kind}": name, **fields})


if __name__ == "__main__":
    main()
