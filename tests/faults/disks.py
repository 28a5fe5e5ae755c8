"""A disk of its own for each store, which can be full and free again. Mounting needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.eventually import eventually

STORES = ("nats", "auth-mongo", "tickets-mongo", "orders-mongo", "payments-mongo")
MIB = 2**20
SIZE = 4096 * MIB  # it takes memory only for what is stored


class Disk:
    """A file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no room: shrink it to what it holds now, which may grow meanwhile."""
        eventually(self._shrink)

    def _shrink(self) -> bool:
        found = os.statvfs(self.folder)
        return _mount(self.folder, "remount", (found.f_blocks - found.f_bfree) * found.f_frsize)

    def free(self) -> None:
        """Have as much room as in the beginning."""
        assert _mount(self.folder, "remount", SIZE), self.folder


@contextmanager
def mounted(state: Path) -> Iterator[dict[str, Disk]]:
    """Yield a disk for each store of a stack by its name; none where this user may not mount any."""
    disks: dict[str, Disk] = {}
    try:
        for name in STORES:
            folder = state / name
            folder.mkdir(parents=True)
            if os.geteuid() != 0 or not _mount(folder, "rw", SIZE):
                break
            disks[name] = Disk(folder)
        yield disks
    finally:
        for disk in disks.values():
            subprocess.run(["umount", "--lazy", disk.folder], check=True)


def _mount(folder: Path, option: str, size: int) -> bool:
    """Mount a disk of so many bytes, or change its size; return False if that is not possible."""
    command = ["mount", "-t", "tmpfs", "-o", f"{option},size={size}", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
