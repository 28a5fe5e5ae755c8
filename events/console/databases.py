"""What the console reads in the services' databases: who has an email, and how far each outbox is published.

It writes nothing, so a user who may only read is enough. Without DATABASES it knows less, and works.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from msgspec import Struct
from pymongo import DESCENDING, AsyncMongoClient
from pymongo.errors import PyMongoError

_PATIENCE = 3.0  # seconds
_MILLISECONDS = 1000
_AUTH = "auth"
_WITHOUT_OUTBOX = {_AUTH}

Rows = dict[str, Any]


class Outbox(Struct, rename="camel", frozen=True):
    """A service's outbox: its rows, the time of the newest, and until when its relay has published them.

    `lag` is in seconds; `error` says why nothing is known.
    """

    service: str
    rows: int | None = None
    newest: datetime | None = None
    published: datetime | None = None
    replaying: bool = False
    lag: float | None = None
    error: str = ""


class Databases:
    """The services' databases, by service."""

    def __init__(self, uris: Mapping[str, str]) -> None:
        patience = int(_PATIENCE * _MILLISECONDS)
        self._clients = {
            service: AsyncMongoClient[Rows](uri, serverSelectionTimeoutMS=patience, timeoutMS=patience, tz_aware=True)
            for service, uri in uris.items()
        }

    @property
    def knows_emails(self) -> bool:
        """Tell whether emails can be looked up."""
        return _AUTH in self._clients

    async def find_user(self, email: str) -> str | None:
        """Return the id of an email's owner, None without one. Raises PyMongoError."""
        users = self._clients[_AUTH].get_default_database()["users"]
        row = await users.find_one({"emailKey": email.casefold()}, {"_id": True})
        return str(row["_id"]) if row else None

    async def outboxes(self) -> list[Outbox]:
        """Return the state of every outbox."""
        services = [service for service in sorted(self._clients) if service not in _WITHOUT_OUTBOX]
        return list(await asyncio.gather(*map(self._outbox, services)))

    async def _outbox(self, service: str) -> Outbox:
        try:
            database = self._clients[service].get_default_database()
            rows = await database["outbox"].estimated_document_count()
            last = await database["outbox"].find_one({}, {"_id": True}, sort=[("_id", DESCENDING)])
            checkpoint = await database["relay"].find_one({"_id": "outbox"}) or {}
        except PyMongoError as error:
            return Outbox(service, error=str(error)[:200])
        newest = _time(last["_id"]) if last else None
        published = checkpoint.get("at")
        return Outbox(
            service=service,
            rows=rows,
            newest=newest,
            published=published,
            replaying=checkpoint.get("replayFrom") is not None,
            lag=_lag(newest, published),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        with suppress(PyMongoError):
            await asyncio.gather(*(client.close() for client in self._clients.values()))


def _time(row_id: ObjectId) -> datetime:
    return row_id.generation_time.astimezone(UTC)


def _lag(newest: datetime | None, published: datetime | None) -> float | None:
    """Return for how long the newest row has waited to be published, 0 if it is; ids count whole seconds."""
    if newest is None:
        return 0.0
    if published is not None and published >= newest:
        return 0.0
    return max(0.0, (datetime.now(UTC) - newest).total_seconds())
