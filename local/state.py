"""The folder in which the one-machine stack keeps its data, its secrets, and a description of what runs now."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from local import keys
from local.manifests import ROOT

NOTHING_RUNS = "no stack is running, or it is not ready yet; `make run` starts one"


class Running(NamedTuple):
    """The addresses of a running stack, as `running.json` holds them.

    `stripe_url` is that of the stand-in for Stripe; there is none if the caller gave a payment provider. `control` is
    the path of the socket through which `make logs` and `make function` reach the stack. `databases` are MongoDB URIs
    by service, `ports` those of functions, relays and bridge by name. `console_url` is where an operator looks.
    """

    url: str
    nats_url: str
    stripe_url: str | None
    control: str
    databases: dict[str, str]
    ports: dict[str, int]
    console_url: str


class StateError(Exception):
    """The folder cannot be used."""


class InUseError(StateError):
    """Another stack uses the folder."""


class State:
    """A state folder: `.local`, or the one that LOCAL_STATE names."""

    def __init__(self) -> None:
        self.folder = Path(os.environ.get("LOCAL_STATE") or ROOT / ".local").absolute()
        self._lock = self.folder / "lock"
        self.description = self.folder / "running.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one stack. The system releases it when the process ends, however it ends.

        Raises:
            InUseError: another stack holds it.
            StateError: it cannot be written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self._lock.open("w")
        except OSError as error:
            raise StateError(f"the state folder {self.folder} cannot be written: {error.strerror}") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InUseError(f"another stack runs already, with its state in {self.folder}") from None
            self.forget()
            yield

    def was_held(self) -> bool:
        """Tell whether a stack has ever used the folder."""
        return self._lock.exists()

    def describe(self, running: Running) -> None:
        """Write `running.json`, for the other `make` targets."""
        _write(self.description, json.dumps(running._asdict(), indent=2))

    def forget(self) -> None:
        """Remove `running.json`."""
        self.description.unlink(missing_ok=True)

    def running(self) -> Running | None:
        """Return the addresses of the stack that holds the folder, once it is ready."""
        try:
            with self._lock.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return Running(**json.loads(self.description.read_text())) if self.description.exists() else None
        except FileNotFoundError:
            pass
        return None

    def secret(self, name: str, key: str) -> str:
        """Return the value of a key of a Secret, generated when it is first needed."""
        path = self._secret(name, key)
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, keys.generate(key))
        return path.read_text()

    def has_secret(self, name: str, key: str) -> bool:
        """Tell if a key of a Secret was generated, by this release or an older one."""
        return self._secret(name, key).exists()

    def _secret(self, name: str, key: str) -> Path:
        return self.folder / "secrets" / name / key


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner can read, and that a reader sees as a whole or not at all."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.rename(path)
