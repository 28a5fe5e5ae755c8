"""Keeping a process running: what dies, what hangs, and what answers but fails."""

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from local import supervisor as module
from local.guard import Guard
from local.log import Log
from local.plan import Process
from local.supervisor import StartError, Supervisor
from tests.eventually import PATIENCE_SECONDS

# A master with a worker that outlives it, as a worker of gunicorn does that is busy or stopped.
MASTER = """
import os, time
if worker := os.fork():
    print(os.getpid(), worker, flush=True)
time.sleep(1e6)
"""


class Service:
    """A process under supervision, ready and alive as the test says."""

    def __init__(self, program: str) -> None:
        self.out = io.StringIO()
        self.ready = self.alive = True
        self.plan = Process(
            "service", self.is_ready, [sys.executable, "-c", program], dict(os.environ), is_alive=self.is_alive
        )

    async def is_ready(self) -> bool:
        """Probe readiness."""
        return self.ready

    async def is_alive(self) -> bool:
        """Probe liveness."""
        return self.alive

    def said(self, text: str) -> bool:
        """Tell whether the text is in the log."""
        return text in self.out.getvalue()

    def pids(self) -> list[int]:
        """Return the process ids that the last run printed, if it has."""
        lines = [line.split()[-2:] for line in self.out.getvalue().splitlines() if line.split()[-1].isdecimal()]
        return list(map(int, lines[-1])) if lines else []

    async def until(self, text: str) -> None:
        """Return once the text is in the log."""
        await until(lambda: self.said(text))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - neither a log nor a folder has an event
            await asyncio.sleep(0.02)


@asynccontextmanager
async def supervised(service: Service) -> AsyncIterator[Supervisor]:
    guard = Guard()
    supervisor = Supervisor(service.plan, guard, Log(service.out, readable=True, colour=False))
    try:
        yield supervisor
    finally:
        await asyncio.wait_for(supervisor.stop(), PATIENCE_SECONDS)
        guard.dismiss()


def test_a_process_whose_worker_outlives_it_is_started_again_and_can_be_stopped() -> None:
    service = Service(MASTER)

    async def run() -> tuple[list[int], list[int]]:
        async with supervised(service) as supervisor:
            await supervisor.start()
            await service.until("ready")
            await until(lambda: len(service.pids()) == 2)
            first = service.pids()
            os.kill(first[0], signal.SIGKILL)
            await service.until("ended by SIGKILL; starting it again")
            await until(lambda: service.pids() != first)
            second = service.pids()
            os.kill(second[0], signal.SIGKILL)
        return first, second

    first, second = asyncio.run(asyncio.wait_for(run(), PATIENCE_SECONDS))
    assert not any(map(runs, [*first, *second]))


def test_a_process_that_answers_but_fails_is_killed_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIVENESS_INTERVAL", 0.01)
    service = Service("import time; time.sleep(1e6)")

    async def run() -> None:
        async with supervised(service) as supervisor:
            await supervisor.start()
            await asyncio.sleep(0.1)
            assert not service.said("liveness")
            service.alive = False
            await service.until("liveness probe failed 3 times; killing it")
            service.alive = True
            await service.until("ended by SIGKILL; starting it again")

    asyncio.run(run())


def test_a_process_that_is_not_ready_again_in_time_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("import time; time.sleep(1e6)")

    async def run() -> None:
        async with supervised(service) as supervisor:
            await supervisor.start()
            monkeypatch.setattr(module, "START_SECONDS", 0.05)
            service.ready = False
            supervisor.kill()
            await service.until("not ready after 0.05 s; killing it")

    asyncio.run(run())


def test_a_process_that_cannot_start_is_an_error_after_some_attempts() -> None:
    service = Service("raise SystemExit(3)")
    service.ready = False

    async def run() -> None:
        async with supervised(service) as supervisor:
            with pytest.raises(StartError, match="service did not become ready"):
                await supervisor.start()

    asyncio.run(run())
    assert service.out.getvalue().count("ended with status 3; starting it again") == 2


def test_while_a_process_has_stepped_aside_none_runs(tmp_path: Path) -> None:
    lock = tmp_path / "port"
    service = Service(f"import os, time; os.mkdir({str(lock)!r}); time.sleep(1e6)")

    async def run() -> None:
        async with supervised(service) as supervisor:
            await supervisor.start()
            await until(lock.exists)
            async with supervisor.stepped_aside():
                lock.rmdir()
                await asyncio.sleep(0.5)
                assert not lock.exists()
            await until(lock.exists)

    asyncio.run(asyncio.wait_for(run(), PATIENCE_SECONDS))
    assert "starting it again" not in service.out.getvalue()


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
