"""`make demo`: the order flow against the running stack, over HTTP as people would, with the events as they pass."""

import asyncio
import json
import secrets
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import requests

from local import tail
from local.state import NOTHING_RUNS, Running, State

TIMEOUT_SECONDS = 30
SOON_SECONDS = 20  # for what events bring about
LONGEST_WAIT_SECONDS = 60

Json = Any


class UnexpectedError(Exception):
    """The stack did not do what the walk-through promises."""


class Person:
    """Somebody with a browser; every request and its answer is shown."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = url
        self._browser = requests.Session()
        self._browser.trust_env = False
        email = f"{name.lower()}-{secrets.token_hex(4)}@example.com"
        self.does("POST", "/api/users/signup", 201, email=email, password=secrets.token_urlsafe())

    def does(self, method: str, path: str, expected: int, **body: object) -> Json:
        """Send a request and show it.

        Raises:
            UnexpectedError: the answer's status is another one.
        """
        answer = self._send(method, path, body)
        shown = {name: value for name, value in body.items() if name != "password"}
        print(f"  {self._name}: {method} {path} {json.dumps(shown) if shown else ''}")
        print(f"      {answer.status_code} {answer.text.strip()}")
        if answer.status_code != expected:
            raise UnexpectedError(f"{expected} was expected")
        return answer.json() if answer.content else None

    def finds(self, ticket: str, *, listed: bool) -> None:
        """Look at the list until the ticket is there or not, and show that."""
        _await(lambda: (ticket in self._list()) == listed, SOON_SECONDS)
        print(f"  {self._name}: GET /api/tickets\n      {'has' if listed else 'does not have'} the ticket")

    def finds_cancelled(self, order: str, patience: float) -> None:
        """Look at an order until it is cancelled, and show that."""
        path = f"/api/orders/{order}"
        _await(lambda: self._send("GET", path).json()["status"] == "cancelled", patience)
        self.does("GET", path, 200)

    def _list(self) -> set[str]:
        """The ids of all tickets on sale, page by page."""
        found: set[str] = set()
        path = "/api/tickets?limit=100"
        while path:
            page = self._send("GET", path)
            found |= {ticket["id"] for ticket in page.json()}
            path = page.links.get("next", {}).get("url", "")
        return found

    def _send(self, method: str, path: str, body: dict[str, object] | None = None) -> requests.Response:
        return self._browser.request(method, self._url + path, json=body or None, timeout=TIMEOUT_SECONDS)


def main() -> int:
    """Walk through the flow; the status to exit with."""
    running = State().running()
    if running is None:
        print(NOTHING_RUNS, file=sys.stderr)
        return 1
    _show_events(running)
    try:
        _play(running.url)
    except (UnexpectedError, requests.RequestException) as error:
        print(f"The walk-through ends here: {error}", file=sys.stderr)
        return 1
    return 0


def _play(url: str) -> None:
    _say("A seller and two buyers sign up.")
    seller, buyer, rival = Person("Seller", url), Person("Buyer", url), Person("Rival", url)

    _say("The seller offers a ticket, and it is on sale.")
    ticket = seller.does("POST", "/api/tickets", 201, title="Opening night, row 1", price=20)["id"]
    rival.finds(ticket, listed=True)

    _say("A buyer reserves it: it leaves the list, and nobody else can have it.")
    order = buyer.does("POST", "/api/orders", 201, ticketId=ticket)
    rival.finds(ticket, listed=False)
    rival.does("POST", "/api/orders", 400, ticketId=ticket)

    _say("The buyer thinks better of it, and the ticket is back.")
    buyer.does("DELETE", f"/api/orders/{order['id']}", 204)
    rival.finds(ticket, listed=True)

    _say("The rival reserves it and forgets to pay.")
    order = rival.does("POST", "/api/orders", 201, ticketId=ticket)
    rival.finds(ticket, listed=False)
    _let_it_expire(rival, order, ticket)


def _let_it_expire(buyer: Person, order: Json, ticket: str) -> None:
    left = (datetime.fromisoformat(order["expiresAt"]) - datetime.now(UTC)).total_seconds()
    if left > LONGEST_WAIT_SECONDS:
        _say(f"The order expires in {left / 60:.0f} minutes. `EXPIRATION_WINDOW_SECONDS=5 make run` shortens the wait.")
        return
    _say(f"The order expires in {left:.0f} seconds.")
    buyer.finds_cancelled(order["id"], left + SOON_SECONDS)
    buyer.finds(ticket, listed=True)


def _await(condition: Callable[[], bool], patience: float) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise UnexpectedError(f"it takes longer than {patience:.0f} s")
        time.sleep(0.1)


def _show_events(running: Running) -> None:
    """Print events in the background from now on."""
    ready = threading.Event()
    work = tail.show(running.nats_url, lambda line: print(f"    ⚡ {line}", flush=True), ready.set)
    threading.Thread(target=asyncio.run, args=[work], daemon=True).start()
    ready.wait(SOON_SECONDS)


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
