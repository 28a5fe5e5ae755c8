"""Kills every child when the stack ends, however it ends: SIGKILL leaves the stack no time to do it itself."""

import os
import signal
import subprocess
from contextlib import suppress

# Its input ends when the stack does. It then kills the process groups that its last line named.
WATCH = 'while read -r line; do groups=$line; done; [ -z "$groups" ] || kill -s KILL -- $groups'


class Guard:
    """A shell that outlives the stack by a moment. Each child leads a process group, so its workers are killed too."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        # In a process group of its own, so that Ctrl-C in a terminal does not reach it.
        self._shell = subprocess.Popen(["/bin/sh", "-c", WATCH], stdin=subprocess.PIPE, process_group=0)  # noqa: S603

    def watch(self, group: int) -> None:
        """Kill this process group when the stack ends."""
        self._groups.add(group)
        self._tell()

    def end(self, group: int) -> None:
        """Kill what is left of a process group, such as workers whose master has ended."""
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self._groups.discard(group)
        self._tell()

    def dismiss(self) -> None:
        """End the shell, and with it every process group that it still watches."""
        self._shell.communicate()

    def _tell(self) -> None:
        line = " ".join(f"-{group}" for group in self._groups)
        if self._shell.stdin:
            self._shell.stdin.write(f"{line}\n".encode())
            self._shell.stdin.flush()
