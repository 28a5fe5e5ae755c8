"""A process that is kept alive: started, heard, started again when it ends, and stopped."""

import asyncio
import signal
import subprocess
import time
from contextlib import suppress

from local.guard import Guard
from local.log import Log
from local.manifests import ROOT
from local.plan import Process

CHUNK = 64 * 1024
PROBE_INTERVAL = 0.1
START_SECONDS = 120
SOUGHT_SECONDS = 5  # for a server that should be there already
TRIES = 3  # to become ready for the first time
FIRST_PAUSE, LONGEST_PAUSE, LONG_LIFE = 0.1, 5.0, 10.0


class StartError(Exception):
    """A process does not come up."""


class Child:
    """A process of the plan while the stack runs."""

    def __init__(self, plan: Process, guard: Guard, log: Log) -> None:
        self._plan = plan
        self._guard = guard
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._ready = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when it is ready; from then on it is kept alive.

        Raises:
            StartError: it ended again and again, or takes too long.
        """
        work = self._keep_alive() if self._plan.command else self._await_readiness()
        self._life = asyncio.create_task(work)
        patience = START_SECONDS if self._plan.command else SOUGHT_SECONDS
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait([self._life, ready], timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if not self._ready.is_set():
            raise StartError(self._plan.absence or f"{self._plan.name} does not start")

    async def stop(self) -> None:
        """Ask it to end, and return when it has."""
        self._stopping.set()
        if self._process and self._process.returncode is None:
            self._process.terminate()
        if self._life:
            if not self._plan.command:
                self._life.cancel()
            await asyncio.wait([self._life])

    def kill(self) -> None:
        """End it now."""
        if self._process and self._process.returncode is None:
            self._guard.end(self._process.pid)

    async def _keep_alive(self) -> None:
        pause, failures = FIRST_PAUSE, 0
        while not self._stopping.is_set():
            began = time.monotonic()
            ended = await self._live()
            failures += not self._ready.is_set()
            if self._stopping.is_set() or failures >= TRIES:
                return
            self._log.say(f"{ended}; starting it again", "WARNING", self._plan.name)
            if time.monotonic() - began > LONG_LIFE:
                pause = FIRST_PAUSE
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _live(self) -> str:
        """One life of it, from start to end; tells how it ended."""
        try:
            self._process = process = await self._launch()
        except OSError as error:
            return f"could not be started ({error})"
        self._guard.watch(process.pid)
        if self._stopping.is_set():
            process.terminate()
        hearing = asyncio.create_task(self._hear(process.stdout))
        readiness = asyncio.create_task(self._await_readiness())
        try:
            return _ending(await process.wait())
        finally:
            readiness.cancel()
            self._guard.end(process.pid)
            await hearing

    async def _launch(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._plan.command,
            env=self._plan.environment,
            cwd=ROOT,
            process_group=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    async def _await_readiness(self) -> None:
        while not await self._plan.is_ready():  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(PROBE_INTERVAL)
        self._log.say("ready", name=self._plan.name)
        self._ready.set()

    async def _hear(self, output: asyncio.StreamReader | None) -> None:
        rest = b""
        while output and (chunk := await output.read(CHUNK)):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._pass_on(line)
        self._pass_on(rest)

    def _pass_on(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if text and not (self._plan.chatter and self._plan.chatter in text):
            self._log.pass_on(self._plan.name, text)


def _ending(status: int) -> str:
    return f"ended with status {status}" if status >= 0 else f"ended by {signal.Signals(-status).name}"
