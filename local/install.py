"""The first step of every `make`: .venv with the pinned packages, installed by one process at a time.

It runs on the Python that .venv is made with, so it must be readable to one that is too old, to say so.
"""

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)  # SecantusDB has wheels for no newer one
LISTS = [Path("requirements.txt"), Path("requirements-dev.txt")]
VENV = Path(".venv")
INSTALLED = VENV / ".installed"
IN_USE = (
    "requirements.txt or requirements-dev.txt has changed, and a stack is running from .venv, which would be replaced: "
    "stop it (Ctrl-C where `make run` runs), then run this again"
)


def main() -> int:
    """Install unless that is done; return the exit status."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        told = "Python {}.{} to {}.{} is needed: make PYTHON=python3.13 ..."
        print(told.format(*OLDEST, *NEWEST), file=sys.stderr)
        return 1
    # The system releases the lock once this process and the one that it runs have ended, however they end. NFS locks
    # only what can be written.
    with LISTS[0].open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_current():
            INSTALLED.touch()
            return 0
        if _is_in_use():
            print(IN_USE, file=sys.stderr)
            return 1
        try:
            _install(lock.fileno())
        except subprocess.CalledProcessError as error:
            return error.returncode
    return 0


@contextmanager
def in_use() -> Iterator[None]:
    """Keep the environment that this process runs in from being replaced until the block ends."""
    marker = Path(sys.prefix) / INSTALLED.name
    if not marker.exists():  # `make` did not install it, and does not replace it
        yield
        return
    with marker.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def _is_current() -> bool:
    """Tell whether these very lists are installed: a file may be newer than what it says."""
    return INSTALLED.exists() and INSTALLED.read_text() == _digest()


def _is_in_use() -> bool:
    if not INSTALLED.exists():
        return False
    with INSTALLED.open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _install(lock: int) -> None:
    print("==> Installing pinned packages into .venv (once)", flush=True)
    _run(lock, sys.executable, "-m", "venv", "--clear", str(VENV))
    wanted = [part for one in LISTS for part in ("--requirement", str(one))]
    quiet = ("--quiet", "--progress-bar", "on", "--disable-pip-version-check")
    _run(lock, str(VENV / "bin" / "python"), "-m", "pip", "install", *quiet, "--require-hashes", *wanted)
    INSTALLED.write_text(_digest())


def _digest() -> str:
    return hashlib.sha256(b"".join(one.read_bytes() for one in LISTS)).hexdigest()


def _run(lock: int, *command: str) -> None:
    subprocess.run(command, check=True, pass_fds=[lock])  # noqa: S603 - what it runs stands above


if __name__ == "__main__":
    sys.exit(main())
