"""A disk that was full and is free again: stores that answer but fail are started again by the stack itself."""

import asyncio
import io
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import nats
import nats.errors
import pymongo
import pytest
from pymongo.errors import PyMongoError

from local import servers
from local import supervisor as module
from local.guard import Guard
from local.log import Log
from local.plan import Plan
from local.state import State
from local.supervisor import Supervisor
from tests.eventually import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

KIB = 1024
SIZE = 64 * KIB * KIB


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 64 MiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a disk that can be full")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", tmp_path], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


async def fill_and_free(disk: Path, writes: Callable[[], Awaitable[bool]], out: io.StringIO) -> None:
    """Fill the disk until the store that writes there has been killed for it, free it, and await a write."""
    ballast = disk / "ballast"

    async def is_killed() -> bool:
        fill(ballast)
        return not await writes() and "killing it" in out.getvalue()

    await until(writes)
    await until(is_killed)
    ballast.unlink()
    await until(writes)


def fill(ballast: Path) -> None:
    """Take all the room that is left."""
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(bytes(64 * KIB)):
            pass


@asynccontextmanager
async def store(name: str, plan: Plan, out: io.StringIO) -> AsyncIterator[None]:
    """Run one store of a stack."""
    [process] = [process for stage in plan.stages for process in stage if process.name == name]
    guard = Guard()
    supervisor = Supervisor(process, guard, Log(out, readable=True, colour=False))
    try:
        await supervisor.start()
        yield
    finally:
        await supervisor.stop()
        guard.dismiss()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.05)


@pytest.fixture
def plan(disk: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    for name in ("MONGO_URI", "NATS_URL", "STRIPE_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCAL_STATE", str(disk))
    monkeypatch.setattr(module, "LIVENESS_INTERVAL", 0.2)
    return Plan(State(), servers.free_port())


def test_a_database_works_again_by_itself(plan: Plan, disk: Path) -> None:
    uri = servers.mongo_uri(plan.addresses.databases["orders-mongo"])
    out = io.StringIO()

    async def run() -> None:
        async with store("orders-mongo", plan, out):
            client = pymongo.AsyncMongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=1000, timeoutMS=2000)

            async def writes() -> bool:
                try:
                    await client["shop"]["orders"].insert_one({"padding": bytes(100 * KIB)})
                except PyMongoError:
                    return False
                return True

            async with client:
                await fill_and_free(disk, writes, out)

    asyncio.run(run())


def test_nats_works_again_by_itself(plan: Plan, disk: Path) -> None:
    out = io.StringIO()

    async def run() -> None:
        async with store("nats", plan, out):
            connection = await nats.connect(plan.addresses.nats_url, max_reconnect_attempts=-1, error_cb=ignore)
            jetstream = connection.jetstream()
            await jetstream.add_stream(name="log", subjects=["log"])

            async def writes() -> bool:
                try:
                    await jetstream.publish("log", bytes(100 * KIB), timeout=1)
                except (nats.errors.Error, OSError):
                    return False
                return True

            async with connection:
                await fill_and_free(disk, writes, out)

    asyncio.run(run())


async def ignore(_: Exception) -> None:
    """The client connects again by itself."""
