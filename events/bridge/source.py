"""Where the wiring comes from. A source is an async iterator of Wiring: what is wanted now, and again when it changes.

Here: YAML files. The Kubernetes API is another such source.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import yaml

from events.bridge import manifest
from events.bridge.resources import Wiring

_log = logging.getLogger(__name__)

_POLL = 2.0  # seconds


async def from_files(path: Path) -> AsyncIterator[Wiring]:
    """The Brokers and Triggers of a YAML file, or of all in a folder; objects of other kinds are passed over.

    A file that is no YAML leaves the wiring as it was.
    """
    texts: dict[Path, str] = {}
    while True:
        current = {file: file.read_text() for file in _files(path)}
        if current != texts:
            texts = current
            try:
                yield manifest.wiring(_objects(texts))
            except yaml.YAMLError as error:
                _log.error("manifests are no YAML", extra={"reason": str(error)})
        await asyncio.sleep(_POLL)


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
