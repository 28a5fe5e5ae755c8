"""The command that has a relay publish again what its outbox has."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient

from events.relay.checkpoint import Checkpoint, CheckpointStore

POSITION = {"_data": "a place in the change stream"}


@pytest.fixture
def position(mongo_uri: str) -> dict[str, str]:
    """Save a position in the change stream."""
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        row = {"_id": "outbox", "position": POSITION, "at": datetime.now(UTC)}
        client.get_default_database()["relay"].insert_one(row)
    return POSITION


@pytest.mark.parametrize(("arguments", "restored"), [(("24",), False), (("24", "--restored"), True)])
def test_the_checkpoint_requests_a_replay(
    mongo_uri: str, position: dict[str, str], arguments: tuple[str, ...], *, restored: bool
) -> None:
    done = replay(mongo_uri, *arguments)

    assert done.returncode == 0, done.stderr
    found = asyncio.run(checkpoint(mongo_uri))
    assert found.replay_from is not None
    assert abs(datetime.now(UTC) - timedelta(hours=24) - found.replay_from) < timedelta(hours=1)
    assert found.replay_generation["replayGeneration"] == 1
    assert found.position == (None if restored else position)


@pytest.mark.parametrize("hours", ["0", "169", "-1", "a day", "٣"])
def test_hours_that_an_outbox_does_not_keep_change_nothing(
    mongo_uri: str, position: dict[str, str], hours: str
) -> None:
    done = replay(mongo_uri, hours)

    assert done.returncode == 2
    assert "whole number from 1 to 168" in done.stderr or "required" in done.stderr
    found = asyncio.run(checkpoint(mongo_uri))
    assert (found.replay_from, found.position) == (None, position)


def replay(uri: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "events.relay.replay", *arguments]
    environment = {**os.environ, "MONGO_URI": uri}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


async def checkpoint(uri: str) -> Checkpoint:
    """Return the checkpoint as the relay reads it."""
    async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        return await CheckpointStore(client.get_default_database()).read()
