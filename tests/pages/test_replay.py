"""The commands for MongoDB's shell on the pages do what the pages say."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from pymongo import AsyncMongoClient

from events.relay.checkpoint import Checkpoint, CheckpointStore
from tests.pages.pages import page

UPDATE = re.compile(r"db\.relay\.updateOne\((.+)\)\n")
AGO = re.compile(r"new Date\(Date\.now\(\) - ([\d *]+)\)")
POSITION = {"_data": "a place in the change stream"}


@pytest.mark.parametrize(
    ("name", "days", "position"), [("docs/operations/replay.md", 1, POSITION), ("docs/operations/backup.md", 7, None)]
)
def test_the_relay_publishes_again_what_the_command_asks_for(
    mongo_uri: str, name: str, days: int, position: Mapping[str, Any] | None
) -> None:
    checkpoint = asyncio.run(after(mongo_uri, command(name)))

    assert checkpoint.replay_from is not None
    assert abs(datetime.now(UTC) - timedelta(days=days) - checkpoint.replay_from) < timedelta(hours=1)
    assert checkpoint.position == position


def command(name: str) -> list[Any]:
    """Return the arguments of the one update on a page: the shell's notation is YAML's, but for dates."""
    [found] = UPDATE.findall("".join(page(name).blocks("js")))
    now = datetime.now(UTC)
    dated = AGO.sub(lambda ago: str(now - timedelta(milliseconds=product(ago[1]))), found)
    arguments: list[Any] = yaml.safe_load(f"[{dated}]")
    return arguments


def product(expression: str) -> int:
    """Return what factors with `*` between them make."""
    result = 1
    for factor in expression.split("*"):
        result *= int(factor)
    return result


async def after(uri: str, arguments: list[Any]) -> Checkpoint:
    """Return the checkpoint of an outbox with a position, after an update."""
    selected, update, options = arguments
    async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        database = client.get_default_database()
        await database["relay"].insert_one({"_id": "outbox", "position": POSITION, "at": datetime.now(UTC)})
        await database["relay"].update_one(selected, update, **options)
        return await CheckpointStore(database).read()
