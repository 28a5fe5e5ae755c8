"""A disk of its own for each store, which can be full and free again. Mounting needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STORES = ("nats", "auth-mongo", "tickets-mongo", "orders-mongo", "payments-mongo")
MIB = 2**20
SIZE = 4096 * MIB  # it takes memory only for what is stored


class Disk:
    """A file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no room: shrink it to what it holds now, and a page that a file may still grow by."""
        found = os.statvfs(self.folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        _run("mount", "-o", f"remount,size={used}", str(self.folder))

    def free(self) -> None:
        """Have as much room as in the beginning."""
        _run("mount", "-o", f"remount,size={SIZE}", str(self.folder))


@contextmanager
def mounted(state: Path) -> Iterator[dict[str, Disk]]:
    """Yield a disk for each store of a stack by its name; none where this user may not mount any."""
    disks: dict[str, Disk] = {}
    try:
        for name in STORES:
            folder = state / name
            folder.mkdir(parents=True)
            if os.geteuid() != 0 or not _mount(folder):
                break
            disks[name] = Disk(folder)
        yield disks
    finally:
        for disk in disks.values():
            subprocess.run(["umount", "--lazy", disk.folder], check=True)


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
