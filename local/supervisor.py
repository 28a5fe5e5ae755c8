"""Keeps a process of the plan running: started, probed, and started again when it ends or fails its liveness probe."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from local.child import Child
from local.guard import Guard
from local.log import Log
from local.plan import Process

READINESS_INTERVAL = 0.1
LIVENESS_INTERVAL, LIVENESS_FAILURES = 5.0, 3
START_SECONDS = 120
CONNECT_SECONDS = 5  # for a server that should be running already
START_ATTEMPTS = 3
STOP_SECONDS = 5
FIRST_PAUSE, MAX_PAUSE, LONG_RUN = 0.1, 5.0, 10.0


class StartError(Exception):
    """A process does not become ready."""


class Supervisor:
    """One process of the plan while the stack runs."""

    def __init__(self, plan: Process, guard: Guard, log: Log) -> None:
        self.plan = plan
        self._guard = guard
        self._log = log
        self._child: Child | None = None
        self._ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._run: asyncio.Task[None] | None = None
        self._stopped = False
        self._began = 0.0
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Return the id of the running process, None if none runs."""
        return self._child.pid if self._child else None

    @property
    def is_ready(self) -> bool:
        """Tell whether the process that runs has become ready."""
        return self._ready.is_set() and self.pid is not None

    @property
    def seconds(self) -> float:
        """Return for how long the process has run, 0 if none runs."""
        return time.monotonic() - self._began if self.pid is not None else 0.0

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its group."""
        if self._child:
            self._child.send_signal(number)

    async def start(self) -> None:
        """Return when the process is ready; from then on it is kept running.

        Raises:
            StartError: it ended several times before it was ready, or it takes too long.
        """
        self._begin(START_ATTEMPTS)
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait(
            filter(None, [self._run, ready]), timeout=self._patience, return_when=asyncio.FIRST_COMPLETED
        )
        ready.cancel()
        if not self._ready.is_set():
            raise StartError(self.plan.absence or f"{self.plan.name} did not become ready; its own lines say why")

    @property
    def _patience(self) -> float | None:
        """The seconds in which the process should be ready; None for one that is to end, which takes its time."""
        if self.plan.ends:
            return None
        return START_SECONDS if self.plan.command else CONNECT_SECONDS

    async def stop(self) -> None:
        """Terminate the process, and return when it has ended."""
        self._stopped = True
        await self._end()

    def kill(self) -> None:
        """Kill the process now."""
        if self._child:
            self._child.kill()

    async def restart(self) -> None:
        """Stop the process and start it again, with the code as it is now."""
        async with self.stepped_aside():
            pass

    @asynccontextmanager
    async def stepped_aside(self) -> AsyncIterator[None]:
        """Stop the process until the block ends, so that another may listen at its port."""
        ended = asyncio.create_task(self._end())
        if not (await asyncio.wait([ended], timeout=STOP_SECONDS))[0]:
            self.kill()
        await ended
        try:
            yield
        finally:
            if not self._stopped:
                self._begin()

    def _begin(self, attempts: float = float("inf")) -> None:
        self._stopping.clear()
        self._ready.clear()
        work = self._keep_running(attempts) if self.plan.command else self._await_readiness()
        self._run = asyncio.create_task(work)

    async def _end(self) -> None:
        self._stopping.set()
        if self._child:
            self._child.terminate()
        if self._run:
            if not self.plan.command:
                self._run.cancel()
            await asyncio.wait([self._run])

    async def _keep_running(self, attempts: float) -> None:
        """Run the process again and again, unless it ends so many times before it is ready once.

        One that is to end is ready when it has, with status 0.
        """
        pause, failures = FIRST_PAUSE, 0
        while not self._stopping.is_set():
            began = time.monotonic()
            ending = await self._run_once()
            if self.plan.ends and self._child and self._child.succeeded:
                self._note_readiness()
                return
            failures += not self._ready.is_set()
            if self._stopping.is_set() or failures >= attempts:
                return
            self._log.say(f"{ending}; starting it again", "WARNING", self.plan.name)
            if time.monotonic() - began > LONG_RUN:
                pause = FIRST_PAUSE
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(2 * pause, MAX_PAUSE)

    async def _run_once(self) -> str:
        """Run the process from start to end; return how it ended."""
        try:
            self._child = child = await Child.launch(self.plan, self._guard, self._take_line)
            self._began = time.monotonic()
            self.starts += 1
        except OSError as error:
            return f"could not be started ({error})"
        if self._stopping.is_set():
            child.terminate()
        probing = None if self.plan.ends else asyncio.create_task(self._probe(child))
        try:
            return await child.wait()
        finally:
            if probing:
                probing.cancel()

    async def _probe(self, child: Child) -> None:
        """Kill a process that does not become ready in time, or whose liveness probe fails several times in a row."""
        failures = 0
        try:
            await asyncio.wait_for(self._await_readiness(), START_SECONDS)
            while self.plan.is_alive and failures < LIVENESS_FAILURES:
                await asyncio.sleep(LIVENESS_INTERVAL)
                failures = 0 if await self.plan.is_alive() else failures + 1
        except TimeoutError:
            self._kill_for(f"not ready after {START_SECONDS} s", child)
        if failures:
            self._kill_for(f"liveness probe failed {failures} times", child)

    def _kill_for(self, reason: str, child: Child) -> None:
        self._log.say(f"{reason}; killing it", "ERROR", self.plan.name)
        child.kill()

    async def _await_readiness(self) -> None:
        while not await self.plan.is_ready():  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(READINESS_INTERVAL)
        self._note_readiness()

    def _note_readiness(self) -> None:
        self._log.say("ready", name=self.plan.name)
        self._ready.set()

    def _take_line(self, line: str) -> None:
        if line and not (self.plan.chatter and self.plan.chatter in line):
            self._log.pass_on(self.plan.name, line)
