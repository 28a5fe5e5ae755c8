"""The people of the walk-through."""

import json
import secrets
import sys
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NamedTuple

import requests

from local.demo.patience import SOON_SECONDS, UnexpectedError, wait_until

TIMEOUT_SECONDS = 30

Json = Any


class Person:
    """A person with a browser; every request and its response is shown."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = url
        self._browser = requests.Session()
        self._browser.trust_env = False
        email = f"{name.lower()}-{secrets.token_hex(4)}@example.com"
        self.does("POST", "/api/users/signup", 201, email=email, password=secrets.token_urlsafe())

    def does(self, method: str, path: str, *expected: int, **body: object) -> Json:
        """Send a request and print it with its response.

        Raises:
            UnexpectedError: the response has another status than the expected ones.
        """
        answer = self._once_known(method, path, body)
        shown = {name: value for name, value in body.items() if name != "password"}
        asked = " ".join([f"{self._name}:", method, path, *([json.dumps(shown)] if shown else [])])
        write(f"  {asked}\n      {answer.status_code} {answer.text.strip()}")
        if answer.status_code not in expected:
            raise UnexpectedError(f"{' or '.join(map(str, expected))} was expected")
        return answer.json() if answer.content else None

    def finds(self, ticket: str, *, listed: bool) -> None:
        """Ask for the list until the ticket is in it or not, as `listed` says, and print that."""
        wait_until(lambda: (ticket in self._list()) == listed)
        write(f"  {self._name}: GET /api/tickets\n      {'has' if listed else 'does not have'} the ticket")

    def finds_order(self, order: str, status: str, patience: float = SOON_SECONDS) -> None:
        """Ask for an order until it has this status, and print it."""
        path = f"/api/orders/{order}"
        wait_until(lambda: self._send("GET", path).json()["status"] == status, patience)
        self.does("GET", path, 200)

    def _once_known(self, method: str, path: str, body: dict[str, object]) -> requests.Response:
        """Return the response, repeating a request that is 404: replication may take longer than two seconds."""
        answers: list[requests.Response] = []

        def known() -> bool:
            answers.append(self._send(method, path, body))
            return answers[-1].status_code != HTTPStatus.NOT_FOUND

        with suppress(UnexpectedError):
            wait_until(known)
        return answers[-1]

    def _list(self) -> set[str]:
        """Return the ids of all tickets on sale, from every page of the list."""
        found: set[str] = set()
        path = "/api/tickets?limit=100"
        while path:
            page = self._send("GET", path)
            found |= {ticket["id"] for ticket in page.json()}
            path = page.links.get("next", {}).get("url", "")
        return found

    def _send(self, method: str, path: str, body: dict[str, object] | None = None) -> requests.Response:
        return self._browser.request(method, self._url + path, json=body or None, timeout=TIMEOUT_SECONDS)


class People(NamedTuple):
    """All people of the demo, and the ticket that they want: between two scenes it is not reserved."""

    seller: Person
    buyer: Person
    rival: Person
    ticket: str


def say(text: str) -> None:
    """Print what happens next."""
    write(f"\n{text}")


def write(text: str) -> None:
    """Print text with one write, since another thread prints events."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
