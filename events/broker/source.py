"""Where the desired state comes from: YAML files on one machine, the Kubernetes API in a cluster."""

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


class Source(Protocol):
    """Says what is wanted, and is told what came of it."""

    async def run(self, take: Callable[[DesiredState], None]) -> None:
        """Give `take` what is wanted, now and whenever it changes, until cancelled."""

    def observe(self, observed_state: ObservedState) -> None:
        """Take note of what is in place."""

    async def has(self, cleanup: Cleanup) -> bool:
        """Whether the object that this would clean up after is certainly there now, and is to stay."""


class Files:
    """The Brokers and Triggers of a YAML file, or of all in a folder; objects of other kinds are passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def run(self, take: Callable[[DesiredState], None]) -> None:
        """Give what the files say. A file that cannot be read leaves the desired state as it was."""
        texts: dict[Path, str] = {}
        while True:
            try:
                current = {file: file.read_text() for file in _files(self._path)}
                if current != texts:
                    texts = current
                    take(manifest.desired_state(_objects(texts)))
            except (OSError, RecursionError, ValueError, yaml.YAMLError) as error:
                _log.error("manifests cannot be read", extra={"reason": str(error)})
            await asyncio.sleep(_POLL)

    def observe(self, observed_state: ObservedState) -> None:
        """Files have no place for it."""

    async def has(self, _: Cleanup) -> bool:
        """Whoever takes an object out of a file leaves its streams and consumers: nobody but people removes them."""
        return True


def _files(path: Path) -> list[Path]:
    """Without the copies that a mounted ConfigMap keeps in folders of its own."""
    files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    return [file for file in files if not any(part.startswith("..") for part in file.relative_to(path).parts)]


def _objects(texts: dict[Path, str]) -> Iterator[dict[str, Any]]:
    """Every object, those of kustomize's own files too, which have another apiVersion."""
    for text in texts.values():
        for document in yaml.safe_load_all(text):
            if isinstance(document, dict):
                yield document
