"""The command for dead letters, as tests give it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from events.deadletters.command import main
from events.runtime.address import NatsAddress
from tests.events.harness import Answer, Request, Stage

REJECTION = Answer(422, body=b"\x1b[31mtitle is missing")


def rejecting(*ids: str) -> Callable[[Request], Answer]:
    """Answers 422 to these events, 204 to others."""
    return lambda request: REJECTION if request.id in ids else Answer()


def command(stage: Stage, *arguments: str) -> subprocess.Popen[str]:
    """Start the command."""
    environment = {**os.environ, "NATS_URL": stage.nats_url, "BROKER": f"{stage.stream_names.namespace}/default"}
    return subprocess.Popen(
        [sys.executable, "-m", "events.deadletters", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(stage: Stage, *arguments: str) -> str:
    """Return what the command prints when it does as it was told; within this process, which takes less time."""
    status, said = _run(stage, *arguments)
    assert status == 0, said
    return said


def run_failing(stage: Stage, *arguments: str) -> str:
    """Return what the command prints when it does not."""
    status, said = _run(stage, *arguments)
    assert status == 1, said
    return said


def _run(stage: Stage, *arguments: str) -> tuple[int, str]:
    with redirect_stdout(StringIO()) as said, redirect_stderr(said):
        status = main(arguments, NatsAddress.parse(stage.nats_url), stage.stream_names)
    return status, said.getvalue()


def table(said: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    return [re.split(r"\s{2,}", line.strip()) for line in said.splitlines()[1:]]
