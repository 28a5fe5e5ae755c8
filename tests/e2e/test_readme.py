"""The README's quick start and walk-through, run as they stand."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest

from events.catalogue import ExpirationCompleted
from local import servers
from local.tail import layout_of_the_broker
from tests.e2e.stack import ROOT, START_SECONDS
from tests.eventually import eventually

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text()


def commands(heading: str) -> list[str]:
    """The shell blocks below a heading, up to the next one."""
    section = README.split(f"# {heading}\n", 1)[1].split("\n#", 1)[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A place of its own for the state, a free port, and a curl where there is none."""
    folder = tmp_path_factory.mktemp("readme")
    if shutil.which("curl") is None:
        shim = folder / "curl"
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("curl.py")} "$@"\n')
        shim.chmod(0o755)
    path = f"{os.environ['PATH']}:{folder}"
    return {
        **os.environ,
        "PATH": path,
        "LOCAL_STATE": str(folder),
        "PORT": str(servers.free_port()),
        "EXPIRATION_WINDOW_SECONDS": "20",
    }


@pytest.fixture(scope="module")
def started(environment: dict[str, str]) -> Iterator[None]:
    """What the first command of the quick start starts."""
    state = Path(environment["LOCAL_STATE"])
    with subprocess.Popen(["sh", "-c", f"exec {commands('Quick start')[0]}"], cwd=ROOT, env=environment) as stack:
        try:
            eventually((state / "running.json").exists, START_SECONDS)
            yield
        finally:
            stack.terminate()


def shell(script: str, environment: dict[str, str]) -> str:
    """Run it as somebody types it, and return what it prints."""
    here = script.replace(":8080", f":{environment['PORT']}").replace(".local/", environment["LOCAL_STATE"] + "/")
    done = subprocess.run(["bash", "-ec", here], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.usefixtures("started")
def test_the_quick_start_works(environment: dict[str, str]) -> None:
    run, demo, test = commands("Quick start")
    assert (run, test) == ("make run\n", "make test\n")

    assert "expiration.completed" in shell(demo, environment)


@pytest.mark.usefixtures("started")
def test_the_walk_through_by_hand_works(environment: dict[str, str]) -> None:
    *reserving, paying = commands("By hand")
    said = shell("\n".join([*reserving, paying]), environment)

    assert "Ticket is already reserved" in said
    assert re.findall('"status":"([a-z]+)"', said)[:3] == ["created", "cancelled", "created"]
    ordered, paid, replayed = said.partition('"status":"cancelled"')[2].split("}{")[1:4]
    assert paid == replayed != ordered


@pytest.mark.usefixtures("started")
def test_the_commands_for_dead_letters_work(environment: dict[str, str]) -> None:
    running = json.loads(Path(environment["LOCAL_STATE"], "running.json").read_text())
    asyncio.run(expire_nothing(running["nats_url"]))
    eventually(lambda: "orders-expire  " in shell("make dead-letters", environment))
    looking, deciding = commands("Dead letters")

    assert "answered 422" in shell(looking, environment)
    assert "is with orders-expire again" in shell(deciding, environment)


async def expire_nothing(nats_url: str) -> None:
    """An event that no function understands."""
    broker, kind = layout_of_the_broker(), ExpirationCompleted
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": kind.source(), "ce-type": kind.type()}
    async with await nats.connect(nats_url) as connection:
        await connection.jetstream().publish(broker.event(kind.type()), b"{}", headers=headers)
