"""`python -m tests.faults.breakable`: the one-machine stack, whose processes can be prepared for their next start.

`starts/NAME` in the state folder is a script that the process NAME reads before it runs: it may shift the process's
clock, or delete what it stored. LOG_BYTES bounds the Broker's log.
"""

import importlib.util
import os
import platform
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from local import manifests, stack
from local.plan import BRIDGE, Plan, Process
from local.state import State

_READ_SCRIPT = '[ -f "$0" ] && . "$0"; exec "$@"'
_MAX_BYTES = re.compile(r'(?<=/max-bytes: ")\d+')


class BreakablePlan(Plan):
    """The plan of the stack, with a script before each process and a log of LOG_BYTES."""

    def __init__(self, state: State, port: int, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__(state, port, environment)
        self._eventing = _eventing(state.folder / "eventing", environment["LOG_BYTES"])
        self.stages = [[self._prepared(process) for process in stage] for stage in self.stages]

    def _prepared(self, process: Process) -> Process:
        script = start_script(self._state.folder, process.name)
        script.parent.mkdir(exist_ok=True)
        more = {"MANIFESTS": str(self._eventing)} if process.name == BRIDGE else {}
        return replace(process, command=prepared(script, process.command), environment=process.environment | more)


def prepared(script: Path, command: Iterable[str]) -> list[str]:
    """Return the command that reads the script, if it is there, and becomes another command."""
    return ["sh", "-c", _READ_SCRIPT, str(script), *command]


def start_script(state: Path, name: str) -> Path:
    """Return where a process looks for a script before it runs."""
    return state / "starts" / name


def shift_clock(script: Path, seconds: int) -> None:
    """Let a process start with a clock that is so many seconds fast, or slow, until the script is removed."""
    shift = {"LD_PRELOAD": clock_library(), "FAKETIME": f"{seconds:+d}s", "DONT_FAKE_MONOTONIC": "1"}
    _write(script, *(f"export {name}={shlex.quote(value)}" for name, value in shift.items()))


def delete_folder(script: Path, folder: Path) -> None:
    """Let a process lose all that it stored in a folder when it starts next; the folder itself may be a mount."""
    _write(script, f"find {shlex.quote(str(folder))} -mindepth 1 -delete", f"rm {shlex.quote(str(script))}")


def clock_library() -> str:
    """Return the path of libfaketime, which shifts the clock of programs that use the C library; '' without it.

    Its wheel is of Linux on amd64, although its name says that it is of any platform.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return ""
    found = importlib.util.find_spec("libfaketime")
    library = Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1" if found and found.origin else None
    return str(library) if library and library.exists() else ""


def _write(script: Path, *lines: str) -> None:
    draft = script.with_name(f"{script.name}.new")
    draft.write_text("\n".join([*lines, ""]))
    draft.rename(script)


def _eventing(copy: Path, max_bytes: str) -> Path:
    """Copy the Broker and its Triggers, and bound the Broker's log."""
    shutil.copytree(manifests.EVENTING, copy, dirs_exist_ok=True)
    broker = copy / "broker.yaml"
    text, count = _MAX_BYTES.subn(max_bytes, broker.read_text())
    assert count == 1, f"{broker} has {count} limits of the log"
    broker.write_text(text)
    return copy


if __name__ == "__main__":
    sys.exit(stack.main(BreakablePlan))
