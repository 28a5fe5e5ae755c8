"""The first step of every `make`: .venv with the pinned packages, installed by one process at a time.

It runs on the Python that .venv is made with, so it must be readable to one that is too old, to say so.
"""

import fcntl
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)  # SecantusDB has wheels for no newer one
LISTS = [Path("requirements.txt"), Path("requirements-dev.txt")]
VENV = Path(".venv")
INSTALLED = VENV / ".installed"


def main() -> int:
    """Install unless that is done; the status to exit with."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        told = "Python {}.{} to {}.{} is needed: make PYTHON=python3.13 ..."
        print(told.format(*OLDEST, *NEWEST), file=sys.stderr)
        return 1
    # Let go of by the system once this process and the one that it runs have ended, however they end. NFS wants to be
    # able to write what it locks.
    with LISTS[0].open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if not _is_current():
                _install(lock.fileno())
        except subprocess.CalledProcessError as error:
            return error.returncode
    return 0


def _is_current() -> bool:
    """Whether a process that had the lock before has installed what is wanted."""
    return INSTALLED.exists() and all(one.stat().st_mtime <= INSTALLED.stat().st_mtime for one in LISTS)


def _install(lock: int) -> None:
    print("==> Installing pinned packages into .venv (once)", flush=True)
    _run(lock, sys.executable, "-m", "venv", "--clear", str(VENV))
    wanted = [part for one in LISTS for part in ("--requirement", str(one))]
    quiet = ("--quiet", "--progress-bar", "on", "--disable-pip-version-check")
    _run(lock, str(VENV / "bin" / "python"), "-m", "pip", "install", *quiet, "--require-hashes", *wanted)
    INSTALLED.touch()


def _run(lock: int, *command: str) -> None:
    subprocess.run(command, check=True, pass_fds=[lock])  # noqa: S603 - what it runs stands above


if __name__ == "__main__":
    sys.exit(main())
