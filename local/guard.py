"""Sees to it that no child survives the stack, not even when the stack is killed without notice."""

import os
import signal
import subprocess
from contextlib import suppress

# Its input ends when the stack does, however that ends. It then kills the process groups that its last line named.
WATCH = 'while read -r line; do groups=$line; done; [ -z "$groups" ] || kill -s KILL -- $groups'


class Guard:
    """A shell that outlives the stack by a moment. Each child leads a process group, so its workers go with it."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        # In a group of its own, so that Ctrl-C in a terminal does not reach it.
        self._shell = subprocess.Popen(["/bin/sh", "-c", WATCH], stdin=subprocess.PIPE, process_group=0)  # noqa: S603

    def watch(self, group: int) -> None:
        """Take this group along."""
        self._groups.add(group)
        self._tell()

    def end(self, group: int) -> None:
        """Kill what is left of a group, such as workers that lost their master."""
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self._groups.discard(group)
        self._tell()

    def dismiss(self) -> None:
        """End it, and every group that it still watches."""
        self._shell.communicate()

    def _tell(self) -> None:
        line = " ".join(f"-{group}" for group in self._groups)
        if self._shell.stdin:
            self._shell.stdin.write(f"{line}\n".encode())
            self._shell.stdin.flush()
