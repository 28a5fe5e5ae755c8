"""The folder in which the one-machine stack keeps what survives it: data, secrets, and a note of what runs now."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from local.manifests import ROOT

SECRET_BYTES = 32
NOTHING_RUNS = "no stack is running, or not yet ready: `make run` starts one"


class Running(NamedTuple):
    """A stack that runs now: where its gateway, its NATS server and its stand-in for Stripe are.

    There is no stand-in if Stripe itself was given.
    """

    url: str
    nats_url: str
    stripe_url: str | None


class InUseError(Exception):
    """Another stack uses the folder."""


class State:
    """A state folder; LOCAL_STATE names another one than `.local`."""

    def __init__(self) -> None:
        self.folder = Path(os.environ.get("LOCAL_STATE") or ROOT / ".local").absolute()
        self._lock = self.folder / "lock"
        self._note = self.folder / "running.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one stack; the system lets go of it when the process ends, however it ends.

        Raises:
            InUseError: another one holds it.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InUseError(f"another stack runs already, with its state in {self.folder}") from None
            self._note.unlink(missing_ok=True)
            yield

    def was_held(self) -> bool:
        """Whether the folder is, or was, a stack's."""
        return self._lock.exists()

    def note(self, running: Running) -> None:
        """Tell `make demo` and `make events` what runs."""
        _write(self._note, json.dumps(running._asdict()))

    def forget(self) -> None:
        """Nothing runs any more."""
        self._note.unlink(missing_ok=True)

    def running(self) -> Running | None:
        """The stack that holds the folder, once it is ready."""
        try:
            with self._lock.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return Running(**json.loads(self._note.read_text())) if self._note.exists() else None
        except FileNotFoundError:
            pass
        return None

    def secret(self, name: str, key: str) -> str:
        """The value of a key of a Secret, made up when first asked for."""
        path = self.folder / "secrets" / name / key
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, secrets.token_urlsafe(SECRET_BYTES))
        return path.read_text()


def _write(path: Path, text: str) -> None:
    """Write a file for nobody else's eyes, which is never there in part."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.rename(path)
