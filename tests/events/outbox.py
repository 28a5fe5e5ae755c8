"""A service's outbox under test, and the number of its events in the log."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from tests.events.harness import Stage, event
from tests.events.processes import Process
from tests.eventually import eventually

Documents = Database[dict[str, Any]]
OUTBOX = {"_id": "outbox"}


class Service:
    """A service's database, and its relays."""

    def __init__(self, uri: str, database: Documents, folder: Path) -> None:
        self.database = database
        self.uri = uri
        self._folder = folder
        self.relays: list[Process] = []

    def commit(self, *events: dict[str, Any]) -> list[Any]:
        """Put events into the outbox, and return the ids of their rows."""
        return self.database["outbox"].insert_many([{"event": one} for one in events]).inserted_ids

    def start_relay(self, stage: Stage, **further: str) -> Process:
        """Start one more relay; keyword arguments are environment."""
        broker = f"{stage.stream_names.namespace}/{stage.stream_names.broker}"
        environment = {"MONGO_URI": self.uri, "NATS_URL": stage.nats_url, "BROKER": broker, **further}
        relay = Process("events.relay", environment, self._folder / "relay.log")
        self.relays.append(relay)
        return relay

    def checkpoints(self, **fields: object) -> int:
        """Return 1 if the checkpoint has these fields, else 0."""
        return self.database["relay"].count_documents({**OUTBOX, **fields})

    def rejected(self) -> int:
        """Return how many rows are saved as impossible to publish."""
        return self.database["refused"].count_documents({})


def stored(stage: Stage) -> int:
    """Return how many events the log has."""
    return int(stage.loop.run(stage.jetstream.stream_info(stage.stream_names.log)).state.messages)


def await_stored(stage: Stage, count: int) -> None:
    """Wait until the log has so many events, and no more."""
    eventually(lambda: stored(stage) >= count)
    assert stored(stage) == count


def committed(**ago: float) -> dict[str, Any]:
    """Return a row as a function stored it some time ago."""
    return {"_id": ObjectId.from_datetime(datetime.now(UTC) - timedelta(**ago)), "event": event()}
