"""The commands of the quick start, the tutorial and the page about dead letters, run as they stand."""

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
from local.tail import stream_names
from tests.e2e.stack import ROOT, START_SECONDS
from tests.eventually import eventually
from tests.pages.pages import page

pytestmark = pytest.mark.slow

QUICK_START = page("README.md").blocks("sh", "Quick start")
TUTORIAL = page("docs/tutorial.md").blocks("sh")
DEAD_LETTERS = page("docs/operations/dead-letters.md").blocks("sh")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment with its own state folder, a free port, and a `curl` if the machine has none."""
    folder = tmp_path_factory.mktemp("pages")
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
    """Start the system by the first command of the quick start."""
    state = Path(environment["LOCAL_STATE"])
    with subprocess.Popen(["sh", "-c", f"exec {QUICK_START[0]}"], cwd=ROOT, env=environment) as stack:
        try:
            eventually(lambda: (state / "running.json").exists() or stack.poll() is not None, START_SECONDS)
            assert stack.poll() is None, "make run ended; its log says why"
            yield
        finally:
            stack.terminate()


def shell(script: str, environment: dict[str, str]) -> str:
    """Run commands as a reader types them, and return what they print."""
    here = script.replace(":8080", f":{environment['PORT']}").replace(".local/", environment["LOCAL_STATE"] + "/")
    done = subprocess.run(["bash", "-ec", here], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.usefixtures("started")
def test_the_quick_start_works(environment: dict[str, str]) -> None:
    run, demo, test = QUICK_START
    assert (run, test) == ("make run\n", "make test\n")

    assert "expiration.completed" in shell(demo, environment)


@pytest.mark.usefixtures("started")
def test_the_tutorial_works(environment: dict[str, str]) -> None:
    *steps, restart = TUTORIAL
    assert restart.endswith(f" {QUICK_START[0]}")

    said = shell("\n".join(steps), environment)

    assert "Ticket is already reserved" in said
    assert re.findall('"status":"([a-z]+)"', said)[:3] == ["created", "cancelled", "created"]
    ordered, paid, replayed = said.partition('"status":"cancelled"')[2].split("}{")[1:4]
    assert paid == replayed != ordered
    assert said.rpartition('"status":')[2].startswith('"complete"')


@pytest.mark.usefixtures("started")
def test_the_commands_for_dead_letters_work(environment: dict[str, str]) -> None:
    running = json.loads(Path(environment["LOCAL_STATE"], "running.json").read_text())
    asyncio.run(publish_unreadable_event(running["nats_url"]))
    eventually(lambda: "orders-expire  " in shell("make dead-letters", environment))
    look, decide, *in_a_cluster = DEAD_LETTERS

    assert "answered 422" in shell(look, environment)
    assert "sent to orders-expire" in shell(decide, environment)
    assert arguments("".join(in_a_cluster), "task.sh dead-letters") == arguments(look + decide, "make dead-letters")


def arguments(commands: str, of: str) -> set[str]:
    """Return what the first word after a command's name is in each line, `list` if there is none."""
    said = (line.partition(of)[2].replace('ARGS="', " ").split() for line in commands.splitlines())
    return {words[0].strip('"') if words else "list" for words in said}


async def publish_unreadable_event(nats_url: str) -> None:
    """Publish an event that its function rejects."""
    broker, kind = stream_names(), ExpirationCompleted
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": kind.source(), "ce-type": kind.type()}
    async with await nats.connect(nats_url) as connection:
        await connection.jetstream().publish(broker.event(kind.type()), b"{}", headers=headers)
