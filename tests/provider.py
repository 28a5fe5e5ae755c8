"""The payment provider as a process: told to behave badly, killed, started again on the same port."""

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
import stripe

from local import servers
from local.manifests import ROOT
from local.stripe_standin.api import API_VERSION
from tests.eventually import eventually
from tests.keys import KEY, PUBLISHABLE_KEY, WEBHOOK_SECRET

TIMEOUT_SECONDS = 30

Ledger = dict[str, Any]


class Controls:
    """What the stand-in for Stripe at `url` takes from tests, and shows them."""

    def __init__(self, url: str) -> None:
        self.url = url

    def behave(self, **behaviour: object) -> None:
        """Behave like this, and in order in what is not named, until told otherwise."""
        response = requests.post(f"{self.url}/test/behaviour", json=behaviour, timeout=TIMEOUT_SECONDS)
        assert response.ok, response.text

    def ledger(self) -> Ledger:
        """Every intent and refund, oldest first, and the number of events that are still to be sent."""
        found: Ledger = requests.get(f"{self.url}/test/ledger", timeout=TIMEOUT_SECONDS).json()
        return found

    def reset(self) -> None:
        """Behave, and forget everything."""
        for told in ("behaviour", "ledger"):
            requests.delete(f"{self.url}/test/{told}", timeout=TIMEOUT_SECONDS).raise_for_status()


class Provider(Controls):
    """The stand-in as a process, with its files in a folder; within a `with` block it runs.

    Args:
        folder: where it keeps what it knows.
        webhook_url: where it sends events, if anywhere.
    """

    def __init__(self, folder: Path, webhook_url: str = "") -> None:
        self.port = servers.free_port()
        super().__init__(f"http://{servers.HOST}:{self.port}")
        self.key = KEY
        self.webhook_secret = WEBHOOK_SECRET
        self._log = folder / "log"
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOST": servers.HOST,
            "PORT": str(self.port),
            "STRIPE_KEY": KEY,
            "STRIPE_PUBLISHABLE_KEY": PUBLISHABLE_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "WEBHOOK_URL": webhook_url,
            "DATABASE": str(folder / "provider.sqlite"),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text()

    def client(self, retries: int = 0) -> stripe.StripeClient:
        """The official client, which tries as often again as is said here."""
        return stripe.StripeClient(
            self.key, stripe_version=API_VERSION, base_addresses={"api": self.url}, max_network_retries=retries
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                servers.stripe_standin(), env=self._environment, cwd=ROOT, stdout=output, stderr=output
            )
        eventually(self._answers)

    def stop(self) -> int:
        """Ask it to end; its status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(TIMEOUT_SECONDS)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            return requests.get(f"{self.url}/healthz", timeout=TIMEOUT_SECONDS).ok
        except requests.ConnectionError:
            return False
