"""A service's outbox under test, and what the log has of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from tests.events.harness import Stage, event
from tests.events.processes import Process
from tests.eventually import eventually

Documents = Database[dict[str, Any]]
NOTE = {"_id": "outbox"}


class Service:
    """A service's database, and its relays."""

    def __init__(self, uri: str, database: Documents, folder: Path) -> None:
        self.database = database
        self._uri = uri
        self._folder = folder
        self.relays: list[Process] = []

    def commit(self, *events: dict[str, Any]) -> list[Any]:
        """Put events into the outbox, and return the ids of their rows."""
        return self.database["outbox"].insert_many([{"event": one} for one in events]).inserted_ids

    def start_relay(self, stage: Stage) -> Process:
        """Start one more relay."""
        broker = f"{stage.stream_names.namespace}/{stage.stream_names.broker}"
        environment = {"MONGO_URI": self._uri, "NATS_URL": stage.nats_url, "BROKER": broker}
        relay = Process("events.relay", environment, self._folder / "relay.log")
        self.relays.append(relay)
        return relay

    def notes(self, **what: object) -> int:
        """1 if this is what the relay noted of its outbox."""
        return self.database["relay"].count_documents({**NOTE, **what})

    def refused(self) -> int:
        """How many rows the relay noted that it cannot publish."""
        return self.database["refused"].count_documents({})


def stored(stage: Stage) -> int:
    """How many events the log has."""
    return int(stage.loop.run(stage.jetstream.stream_info(stage.stream_names.log)).state.messages)


def await_stored(stage: Stage, count: int) -> None:
    """Wait until the log has so many events, and no more."""
    eventually(lambda: stored(stage) >= count)
    assert stored(stage) == count


def committed(**ago: float) -> dict[str, Any]:
    """A row as a function stored it some time ago."""
    return {"_id": ObjectId.from_datetime(datetime.now(UTC) - timedelta(**ago)), "event": event()}
