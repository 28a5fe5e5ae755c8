"""What the console may do on one machine: see the processes, kill or pause them, audit the money, have people shop."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal

import msgspec

from local.manifests import ROOT
from local.supervisor import Supervisor

AUDIT_SECONDS = 60
SIGNALS = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP, "resume": signal.SIGCONT}
SPARED = {"console"}  # it would cut off the page that asked

Change = Literal["kill", "pause", "resume", "shop", "go home"]


class ProcessState(msgspec.Struct, rename="camel"):
    """One process: how often it was started, and for how many seconds it has run; `pid` is None for one of others."""

    name: str
    state: Literal["ready", "starting", "paused", "external"]
    pid: int | None
    starts: int
    seconds: float
    is_ours: bool = False  # a function, relay or bridge, and no server


class MachineState(msgspec.Struct):
    """All processes of the stack, and whether people shop."""

    processes: list[ProcessState]
    shopping: bool


class Audit(msgspec.Struct):
    """The line of `make audit`; `right` if it found no difference."""

    line: str
    right: bool


class Done(msgspec.Struct):
    """A change was made."""

    done: bool = True


class Machine:
    """The processes of one stack, and a crowd of people that the console may send."""

    def __init__(self, supervisors: Mapping[str, Supervisor]) -> None:
        self._supervisors = supervisors
        self._paused: dict[str, int] = {}  # by name, the pid that was paused
        self._crowd: subprocess.Popen[bytes] | None = None

    def state(self) -> MachineState:
        """Return what runs now."""
        return MachineState([self._process(one) for one in self._supervisors.values()], self._is_shopping)

    def change(self, action: Change, name: str) -> Done:
        """Kill, pause or resume a process, or have people shop and go home. Raises ValueError for one that is not."""
        if action == "shop":
            self._shop()
        elif action == "go home":
            self.close()
        else:
            self._signal(action, name)
        return Done()

    async def audit(self) -> Audit:
        """Compare the books. Raises TimeoutError."""
        command = [sys.executable, "-m", "local.task", "audit"]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            async with asyncio.timeout(AUDIT_SECONDS):
                line, errors = await process.communicate()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        return Audit((line or errors).decode(errors="replace").strip(), process.returncode == 0)

    def close(self) -> None:
        """Send the crowd home."""
        if self._crowd is not None:
            self._crowd.kill()
            self._crowd.wait()
            self._crowd = None

    @property
    def _is_shopping(self) -> bool:
        return self._crowd is not None and self._crowd.poll() is None

    def _shop(self) -> None:
        if not self._is_shopping:
            command = [sys.executable, "-m", "local.demo", "--watch"]
            self._crowd = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - ours

    def _signal(self, action: Literal["kill", "pause", "resume"], name: str) -> None:
        supervisor = self._supervisors.get(name)
        if supervisor is None or supervisor.pid is None or name in SPARED:
            raise ValueError(f"the stack runs no process {name!r} that may be sent a signal")
        pid = supervisor.pid
        supervisor.send_signal(SIGNALS[action])
        if action == "pause":
            self._paused[name] = pid
        else:
            self._paused.pop(name, None)

    def _process(self, supervisor: Supervisor) -> ProcessState:
        name, pid = supervisor.plan.name, supervisor.pid
        if not supervisor.plan.command:
            return ProcessState(name, "external", None, 0, 0.0)
        is_paused = pid is not None and self._paused.get(name) == pid
        state: Literal["paused", "ready", "starting"]
        state = "paused" if is_paused else "ready" if supervisor.is_ready else "starting"
        is_ours = "K_SERVICE" in supervisor.plan.environment
        return ProcessState(name, state, pid, supervisor.starts, supervisor.seconds, is_ours)
