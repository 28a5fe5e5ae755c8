"""What a terminal shows while the stack starts."""

import io
import json
import os
import pty
import re
import select

import pytest
from rich.console import Console

from local import progress
from local.log import Log
from tests.eventually import PATIENCE_SECONDS

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Everything that a terminal has been sent."""
    monkeypatch.setenv("TERM", "xterm")
    return io.StringIO()


@pytest.fixture
def log(screen: io.StringIO) -> Log:
    """A log on that terminal."""
    return Log(screen, readable=True, colour=False)


def test_each_process_is_named_until_all_are_ready(screen: io.StringIO, log: Log) -> None:
    console = Console(file=screen, force_terminal=True, width=100)
    with progress.Progress(["nats", "orders-create"], console).shown(log):
        log.say("listening on a port", name="nats")
        log.say("ready", name="nats")
        log.say("ready", name="orders-create")
    shown = ESCAPES.sub("", screen.getvalue())
    assert re.search(r"✓ nats \d+\.\d s", shown)
    assert re.search(r"✓ orders-create \d+\.\d s\s+2 of 2 processes ready", shown)
    assert "listening" not in shown


def test_warnings_and_what_follows_the_start_are_lines(screen: io.StringIO, log: Log) -> None:
    with progress.Progress(["nats"], Console(file=screen, force_terminal=True, width=100)).shown(log):
        log.say("ended with status 1; starting it again", "WARNING", "nats", port=4222)
    log.say("all ready")
    shown = ESCAPES.sub("", screen.getvalue())
    assert re.search(r"nats +ended with status 1; starting it again port=4222", shown)
    assert re.search(r"stack +all ready\n$", shown)


def test_without_a_terminal_every_line_is_json(screen: io.StringIO) -> None:
    log = Log(screen, readable=False, colour=False)
    with progress.shown(["nats"], log, screen):
        log.say("ready", name="nats")
    assert json.loads(screen.getvalue())["process"] == "nats"


def test_on_a_terminal_progress_is_shown() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        log = Log(terminal, readable=True, colour=False)
        with progress.shown(["nats"], log, terminal):
            log.say("ready", name="nats")
        terminal.flush()
        shown = b""
        while b"1 of 1 processes ready" not in shown and select.select([master], [], [], PATIENCE_SECONDS)[0]:
            shown += os.read(master, 1 << 16)
    os.close(master)
    assert b"1 of 1 processes ready" in shown
