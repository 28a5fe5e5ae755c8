"""What processes say of their own readiness."""

import json
from pathlib import Path

import requests

from local import servers

TIMEOUT_SECONDS = 10
NEED_NATS = ("bridge", "tickets-relay", "orders-relay", "payments-relay")


class Pages:
    """The pages /readyz of the bridge and the relays of a stack."""

    def __init__(self, state: Path) -> None:
        ports = json.loads((state / "running.json").read_text())["ports"]
        self._urls = {name: f"http://{servers.HOST}:{ports[name]}/readyz" for name in NEED_NATS}

    def ready(self) -> list[str]:
        """Return the names of those that are ready."""
        return [name for name, url in self._urls.items() if _is_ready(url)]

    def all_ready(self) -> bool:
        """Tell whether all of them are ready."""
        return self.ready() == list(NEED_NATS)


def _is_ready(url: str) -> bool:
    try:
        return requests.get(url, timeout=TIMEOUT_SECONDS).ok
    except requests.RequestException:
        return False
