"""One process of the running stack: its log alone, its code reloaded, its place taken for a debugger."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from local import servers
from tests.e2e.stack import ROOT, Stack, settings
from tests.eventually import eventually

NAME = "auth-current-user"
PATH = "/api/users/currentuser"
SOURCE = ROOT / "functions" / "auth" / "current_user.py"


class Command:
    """A command about a process of the stack, and what it has written."""

    def __init__(self, stack: Stack, folder: Path, *arguments: str) -> None:
        self._out = folder / "out"
        with self._out.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=settings(stack.state, stack.port),
                cwd=ROOT,
                stdout=out,
                stderr=out,
            )

    @property
    def text(self) -> str:
        """What it has written."""
        return self._out.read_text()

    def await_text(self, text: str) -> None:
        """Return once it has written the text."""
        eventually(lambda: text in self.text or self.process.poll() is not None)
        assert text in self.text

    def interrupt(self) -> int:
        """End it with Ctrl-C; return its status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Run commands, and kill those that still run when the test ends."""
    started: list[Command] = []

    def start(*arguments: str) -> Command:
        started.append(Command(stack, tmp_path, *arguments))
        return started[-1]

    yield start
    for command in started:
        command.process.kill()
        command.process.wait()
    eventually(lambda: len(stack.named(NAME)) == 1)


def ask(stack: Stack) -> requests.Response:
    return requests.get(stack.url + PATH, timeout=30)


def test_the_log_of_one_process_is_followed(stack: Stack, run: Callable[..., Command]) -> None:
    command = run("local.logs", NAME)
    command.await_text('"ready"')
    requests.get(f"{stack.url}/api/tickets", timeout=30)
    ask(stack)
    command.await_text(f"GET {PATH} 200")

    assert {json.loads(line)["process"] for line in command.text.splitlines()} == {NAME}
    assert command.interrupt() == 0


def test_a_function_is_restarted_whenever_its_code_changes(stack: Stack, run: Callable[..., Command]) -> None:
    command = run("local.function", NAME)
    first = stack.process_of(NAME)
    eventually(lambda: [first] != stack.named(NAME) != [])
    second = stack.process_of(NAME)
    os.utime(SOURCE)

    command.await_text(f"{SOURCE.relative_to(ROOT)} changed; restarting")
    eventually(lambda: [second] != stack.named(NAME) != [])
    eventually(lambda: _answers(stack))
    assert command.interrupt() == 0


def test_a_function_under_a_debugger_has_the_place_of_the_stacks_own(stack: Stack, run: Callable[..., Command]) -> None:
    command = run("local.function", NAME, "--debug")
    command.await_text("Running on")
    assert stack.named(NAME) == []
    assert ask(stack).json() == {"currentUser": None}
    command.await_text(f"GET {PATH} 200")

    assert command.interrupt() == 0
    eventually(lambda: _answers(stack))


def test_a_debugged_function_that_is_killed_gives_its_place_back(stack: Stack, run: Callable[..., Command]) -> None:
    command = run("local.function", NAME, "--debug")
    command.await_text("Running on")
    command.process.kill()

    eventually(lambda: len(stack.named(NAME)) == 1)
    eventually(lambda: _answers(stack))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["orders-creat"], "the stack has no process 'orders-creat'"),
        (["bridge", "--debug"], "bridge is not a function"),
    ],
)
def test_what_cannot_run_alone_is_refused(stack: Stack, arguments: list[str], complaint: str) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "local.function", *arguments],
        env=settings(stack.state, stack.port),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 1
    assert complaint in refused.stderr


def test_running_json_says_where_everything_is(stack: Stack) -> None:
    running = json.loads((stack.state / "running.json").read_text())

    assert requests.get(f"http://{servers.HOST}:{running['ports'][NAME]}/healthz", timeout=30).ok
    assert running["databases"]["orders"] == stack.mongo_uri("orders-create")
    assert set(running["databases"]) == {"auth", "orders", "payments", "tickets"}


def _answers(stack: Stack) -> bool:
    try:
        return ask(stack).ok
    except requests.RequestException:
        return False
