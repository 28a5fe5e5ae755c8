"""The source of the desired state: YAML files on one machine, the Kubernetes API in a cluster."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import yaml

from events.broker import manifest
from events.broker.model import Cleanup, DesiredState, ObservedState

_log = logging.getLogger(__name__)

_POLL = 2.0  # seconds


class DesiredStateSource(Protocol):
    """Reports the desired state, and is told the observed state."""

    async def run(self, take: Callable[[DesiredState], None]) -> None:
        """Call `take` with the desired state, now and whenever it changes, until cancelled."""

    def observe(self, observed_state: ObservedState) -> None:
        """Receive the observed state."""

    async def has(self, cleanup: Cleanup) -> bool:
        """Tell whether the object that a cleanup is for certainly exists now and is not being deleted."""


class Files:
    """The Brokers and Triggers in a YAML file, or in all of a folder; objects of other kinds are ignored."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def run(self, take: Callable[[DesiredState], None]) -> None:
        """Report what the files declare. While a file cannot be read, the desired state stays as it was."""
        texts: dict[Path, str] = {}
        while True:
            try:
                current = {file: file.read_text() for file in _files(self._path)}
                if current != texts:
                    texts = current
                    take(manifest.desired_state(_objects(texts)))
            except (OSError, RecursionError, ValueError, yaml.YAMLError) as error:
                _log.error("manifests cannot be read; the desired state stays as it was", extra={"reason": str(error)})
            await asyncio.sleep(_POLL)

    def observe(self, observed_state: ObservedState) -> None:
        """Ignore it: files have no status."""

    async def has(self, _: Cleanup) -> bool:
        """Return True: only a person removes the streams and consumers of an object that left a file."""
        return True


def _files(path: Path) -> list[Path]:
    """List the YAML files, without the copies that a mounted ConfigMap keeps in folders of its own."""
    files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    return [file for file in files if not any(part.startswith("..") for part in file.relative_to(path).parts)]


def _objects(texts: dict[Path, str]) -> Iterator[dict[str, Any]]:
    """Yield every object, those of kustomize's own files too, which have another apiVersion."""
    for text in texts.values():
        for document in yaml.safe_load_all(text):
            if isinstance(document, dict):
                yield document
