"""The one-machine stack as tests run it: the real one, in a process of its own, with its state in a given folder."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from local import servers
from tests.eventually import eventually
from tests.keys import PUBLISHABLE_KEY
from tests.provider import Controls

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "local.stack"]
START_SECONDS = 300
LANES_OF_TESTS = 4  # of as many workers
LANES_LEFT = servers.LANES - LANES_OF_TESTS

_stacks = itertools.count(os.getpid())  # several runs at once begin in different lanes


class Stack:
    """A stack that was started, and what it said so far."""

    def __init__(
        self, state: Path, port: int | None = None, command: Sequence[str] = COMMAND, **environment: str
    ) -> None:
        self.state = state
        self.port = port or servers.free_port()
        self.url = f"http://{servers.HOST}:{self.port}"
        self.lines: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=settings(state, self.port, **environment),
            stdout=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def await_ready(self) -> None:
        """Return once it says where it is."""
        eventually(lambda: self.said("stack", self.url) or self.process.poll() is not None, START_SECONDS)
        assert self.process.poll() is None, self.lines

    def said(self, name: str, text: str) -> bool:
        """Whether the process of that name wrote a line that holds the text."""
        return any(line["process"] == name and text in line["message"] for line in self.lines)

    def descendants(self) -> list[psutil.Process]:
        """All processes that it started, directly or not."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def named(self, name: str) -> list[psutil.Process]:
        """Its children that run a function, relay, bridge or server of that name, or a program; gunicorn's masters."""
        return [child for child in psutil.Process(self.process.pid).children() if _is_named(child, name)]

    def process_of(self, name: str) -> psutil.Process:
        """The one of them."""
        [found] = self.named(name)
        return found

    @property
    def console_url(self) -> str:
        """Where its console is."""
        return str(json.loads((self.state / "running.json").read_text())["console_url"])

    def mongo_uri(self, function: str) -> str:
        """The URI of a function's database."""
        return self.process_of(function).environ()["MONGO_URI"]

    @property
    def nats_url(self) -> str:
        """The URL of its NATS server."""
        return self.process_of("bridge").environ()["NATS_URL"]

    @property
    def provider(self) -> Controls:
        """Its stand-in for the payment provider."""
        return Controls(self.process_of("payments-create").environ()["STRIPE_API_BASE"])

    def kill(self, name: str) -> None:
        """Kill what has the name, if it runs, with its workers: each child leads a process group."""
        for process in self.named(name):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End it as Ctrl-C does in the end, and wait for it."""
        self.process.terminate()
        self.await_end()

    def await_end(self) -> int:
        """Return its exit status once it has ended and all that it said has been read."""
        status = self.process.wait()
        self._listener.join()
        return status

    def _listen(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(json.loads(line))


# All users of a stack come from one address, and many at once.
UNLIMITED = dict.fromkeys(
    (
        "SIGNUP_INTERVAL_MILLISECONDS",
        "SIGNIN_INTERVAL_MILLISECONDS",
        "ORDER_INTERVAL_MILLISECONDS",
        "PAYMENT_INTERVAL_MILLISECONDS",
    ),
    "1",
)


def settings(state: Path, port: int, **environment: str) -> Mapping[str, str]:
    """The environment of a stack; the tests' own says nothing about it.

    Its ports lie in another lane than the test's and the last stacks': who looks for one may do so at a moment at which
    a function of another stack is killed, and its port seems free.
    """
    lane = LANES_OF_TESTS + (LANES_OF_TESTS * next(_stacks) + int(os.environ.get(servers.PORT_LANE, "0"))) % LANES_LEFT
    ours = {"LOCAL_STATE": str(state), "PORT": str(port), "PYTHONPATH": str(ROOT), servers.PORT_LANE: str(lane)}
    browsers = {"STRIPE_PUBLISHABLE_KEY": PUBLISHABLE_KEY}  # which tests.browser has
    spans = {"OTEL_SDK_DISABLED": "true"}  # which cost each process's start some time
    return {"PATH": os.environ["PATH"], **ours, **UNLIMITED, **browsers, **spans, **environment}


@contextmanager
def running(
    state: Path, port: int | None = None, command: Sequence[str] = COMMAND, **environment: str
) -> Iterator[Stack]:
    """A stack that is ready, until the block ends."""
    stack = Stack(state, port, command, **environment)
    try:
        stack.await_ready()
        yield stack
    finally:
        stack.stop()


def alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; one that ended may still wait for its parent to notice."""
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def processes_under(state: Path) -> list[psutil.Process]:
    """All processes of this machine that have the folder in their command or environment."""
    return alive(process for process in psutil.process_iter() if str(state) in _told(process))


def _is_named(process: psutil.Process, name: str) -> bool:
    try:
        program, *arguments = process.cmdline()
        return name in (process.environ().get("K_SERVICE"), Path(program).name, *map(_file_name, arguments))
    except (psutil.Error, ValueError):  # it ended just now, and has no command line any more
        return False


def _file_name(argument: str) -> str:
    """That of a script which an interpreter runs, or of the folder in which a server keeps its data."""
    return Path(argument).name


def _told(process: psutil.Process) -> str:
    try:
        return " ".join([*process.cmdline(), *process.environ().values()])
    except psutil.Error:
        return ""
