"""One run of a process: started as the leader of its process group, its output passed to the log line by line."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Self

from local.guard import Guard
from local.manifests import ROOT
from local.plan import Process

CHUNK = 64 * 1024
LAST_OUTPUT_SECONDS = 1.0  # for a pipe that a process outside of the group still holds open


class Child:
    """A started process and the group that it leads."""

    def __init__(self, process: asyncio.subprocess.Process, reading: asyncio.Task[None], guard: Guard) -> None:
        self._process = process
        self._reading = reading
        self._guard = guard
        guard.watch(process.pid)

    @classmethod
    async def launch(cls, plan: Process, guard: Guard, take_line: Callable[[str], None]) -> Self:
        """Start the process; `take_line` is called with each line of its output.

        The pipe is not asyncio's own, whose `wait` returns only once every process that holds it has closed it: a
        worker that outlives its master does not.

        Raises:
            OSError: it cannot be started.
        """
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *plan.command,
                env=plan.environment,
                cwd=ROOT,
                process_group=0,
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=subprocess.STDOUT,
            )
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return cls(process, asyncio.create_task(_read_lines(reading, take_line)), guard)

    async def wait(self) -> str:
        """Return how the process ended, once the rest of its group has been killed and its output read."""
        status = await self._process.wait()
        self._guard.end(self._process.pid)
        await asyncio.wait([self._reading], timeout=LAST_OUTPUT_SECONDS)
        self._reading.cancel()
        return _ending(status)

    @property
    def pid(self) -> int | None:
        """Return the id of the process, None once it has ended."""
        return self._process.pid if self._process.returncode is None else None

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its group."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, number)

    @property
    def succeeded(self) -> bool:
        """Tell if the process has ended with status 0."""
        return self._process.returncode == 0

    def terminate(self) -> None:
        """Ask the process to end."""
        if self._process.returncode is None:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the process and its group."""
        if self._process.returncode is None:
            self._guard.end(self._process.pid)


async def _read_lines(descriptor: int, take_line: Callable[[str], None]) -> None:
    """Take each line until the pipe is closed; one without an end, or longer than any buffer, is no error."""
    output = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(output)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(descriptor, "rb"))
    try:
        rest = b""
        while chunk := await output.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                take_line(line.decode(errors="replace").rstrip())
        take_line(rest.decode(errors="replace").rstrip())
    finally:
        transport.close()


def _ending(status: int) -> str:
    return f"ended with status {status}" if status >= 0 else f"ended by {signal.Signals(-status).name}"
