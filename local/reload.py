"""Notices that Python code has changed."""

import asyncio
from pathlib import Path

from local.manifests import ROOT

FOLDERS = ("events", "functions")
INTERVAL_SECONDS = 0.5


class Files:
    """The modules in the folders whose code functions, relays and bridge run, as they were last seen."""

    def __init__(self) -> None:
        self._seen = _times()

    async def changed(self) -> Path:
        """Return a file that was written, added or removed, relative to the repository, as soon as there is one."""
        while (now := _times()) == self._seen:  # noqa: ASYNC110 - only looking tells
            await asyncio.sleep(INTERVAL_SECONDS)
        [(path, _), *_] = sorted(set(now.items()) ^ set(self._seen.items()))
        self._seen = now
        return path.relative_to(ROOT)


def _times() -> dict[Path, int]:
    """Return when each file was last written; one that is being replaced by an editor may be missing."""
    found = {}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            try:
                found[path] = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
    return found
