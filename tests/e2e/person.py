"""A user with a browser: the shop over HTTP, through the gateway."""

import secrets
from http import HTTPStatus
from typing import Any

import requests

from tests.eventually import eventually

PASSWORD = "open sesame"
GOOD_CARD, DECLINED_CARD = "tok_visa", "tok_chargeDeclined"
TIMEOUT_SECONDS = 30


class Visitor(requests.Session):
    """A browser's session with the shop, which may have another name than the address of its `url`."""

    def __init__(self, url: str, host: str = "") -> None:
        super().__init__()
        self.trust_env = False
        self._url = url
        if host:
            self.headers["Host"] = host

    def api(self, method: str, path: str, **body: object) -> requests.Response:
        """Send a request with a JSON body if there is one."""
        return self.request(method, f"{self._url}/api{path}", json=body or None, timeout=TIMEOUT_SECONDS)


class Person(Visitor):
    """A session of a user who signed up."""

    def __init__(self, url: str, host: str = "") -> None:
        super().__init__(url, host)
        signed_up = self.api("POST", "/users/signup", email=f"{secrets.token_hex(8)}@example.com", password=PASSWORD)
        assert signed_up.status_code == 201, signed_up.text

    def sell(self, title: str = "Opening night", price: object = 20) -> str:
        """Offer a ticket; its id."""
        return str(self._done(self.api("POST", "/tickets", title=title, price=price), 201)["id"])

    def reserve(self, ticket: str) -> str:
        """Reserve a ticket; the order's id."""
        return str(self._done(self._once_known("/orders", ticketId=ticket), 201)["id"])

    def pay(self, order: str, card: str = GOOD_CARD) -> requests.Response:
        """Try to pay for an order with a card, by its token or payment method."""
        return self._once_known("/payments", orderId=order, token=card)

    def begin_to_pay(self, order: str) -> requests.Response:
        """Begin to pay for an order in a browser, or go on with that."""
        return self._once_known("/payments", orderId=order)

    def order(self, order: str) -> dict[str, Any]:
        """One of one's own orders."""
        return self._done(self.api("GET", f"/orders/{order}"), 200)

    def ticket(self, ticket: str) -> dict[str, Any]:
        """A ticket."""
        return self._done(self.api("GET", f"/tickets/{ticket}"), 200)

    def on_sale(self) -> set[str]:
        """The ids of all tickets in the list, page by page."""
        found: set[str] = set()
        url: str | None = f"{self._url}/api/tickets?limit=100"
        while url:
            page = self.get(url, timeout=TIMEOUT_SECONDS)
            found |= {ticket["id"] for ticket in page.json()}
            following = page.links.get("next", {}).get("url")
            url = f"{self._url}{following}" if following else None
        return found

    def _once_known(self, path: str, **body: object) -> requests.Response:
        """Post until the service knows the ticket or order: it waits two seconds, not enough on every machine."""
        answers: list[requests.Response] = []

        def known() -> bool:
            answers.append(self.api("POST", path, **body))
            return answers[-1].status_code != HTTPStatus.NOT_FOUND

        eventually(known)
        return answers[-1]

    @staticmethod
    def _done(response: requests.Response, status: int) -> dict[str, Any]:
        assert response.status_code == status, response.text
        found: dict[str, Any] = response.json()
        return found
