"""The events, printed as they pass."""

import asyncio
import threading

from local import tail
from local.demo.patience import SOON_SECONDS, wait_until
from local.demo.person import write


class Events:
    """Prints events in the background from now on, and keeps them, so that a scene can wait for one."""

    def __init__(self, nats_url: str) -> None:
        self._lines: list[str] = []
        ready = threading.Event()
        work = tail.show(nats_url, self._show, ready.set)
        threading.Thread(target=asyncio.run, args=[work], daemon=True).start()
        ready.wait(SOON_SECONDS)

    def wait_for(self, name: str, order: str) -> None:
        """Return once an event of this name that is about the order has passed."""
        wait_until(lambda: any(f" {name} " in line and order in line for line in self._lines))

    def _show(self, line: str) -> None:
        write(f"    ⚡ {line}")
        self._lines.append(line)
