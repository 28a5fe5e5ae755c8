"""`make demo ARGS=--watch`: people sell, reserve, pay and give up, until Ctrl-C, while you look at the shop."""

import random
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import requests

from local.demo.person import write

SHOPPERS = 4
ON_SALE = 12  # tickets that sellers keep on offer
PAUSE_SECONDS = (0.5, 3.0)
CARDS = ("tok_visa", "tok_visa", "tok_visa", "tok_chargeDeclined")
TIMEOUT_SECONDS = 30
ACTS = ("Jazz night", "Opening night", "Chamber concert", "Poetry slam", "Derby", "Stand-up", "Film premiere", "Ballet")
PLACES = ("City Hall", "the old harbour", "the park", "the tower", "the cellar", "the observatory")


@dataclass
class Shop:
    """The shop as the crowd uses it; `stopping` ends all of them."""

    url: str
    stopping: threading.Event = field(default_factory=threading.Event)

    def act(self, act: Callable[[requests.Session], object]) -> None:
        """Sign a person up, and let them act again and again; a shop in trouble is tried again."""
        person = requests.Session()
        person.trust_env = False
        is_known = False
        while not self.stopping.wait(random.uniform(*PAUSE_SECONDS)):  # noqa: S311 - a pause is no secret
            with suppress(requests.RequestException):
                is_known = is_known or self._sign_up(person)
                act(person)

    def _sign_up(self, person: requests.Session) -> bool:
        account = {"email": f"demo-{secrets.token_hex(6)}@example.com", "password": secrets.token_urlsafe()}
        return self.send(person, "POST", "/users/signup", account).ok

    def send(self, person: requests.Session, method: str, path: str, body: object = None) -> requests.Response:
        """Send a request to the shop's API."""
        return person.request(method, f"{self.url}/api{path}", json=body, timeout=TIMEOUT_SECONDS)

    def sell(self, seller: requests.Session) -> None:
        """Offer a ticket while there are few."""
        if len(self.send(seller, "GET", f"/tickets?limit={ON_SALE}").json()) < ON_SALE:
            title = f"{random.choice(ACTS)} in {random.choice(PLACES)}"  # noqa: S311 - a title is no secret
            self.send(seller, "POST", "/tickets", {"title": title, "price": random.randint(5, 90)})  # noqa: S311
            write(f"  someone sells {title}")

    def shop(self, buyer: requests.Session) -> None:
        """Reserve one of the tickets on sale; pay for it, or give it up."""
        on_sale = self.send(buyer, "GET", "/tickets").json()
        if not on_sale:
            return
        ticket = random.choice(on_sale)  # noqa: S311 - taste is no secret
        reserved = self.send(buyer, "POST", "/orders", {"ticketId": ticket["id"], "price": ticket["price"]})
        if not reserved.ok:
            return
        write(f"  someone reserves {ticket['title']}")
        time.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - nor is this pause
        self._end(buyer, reserved.json()["id"], ticket["title"])

    def _end(self, buyer: requests.Session, order: str, title: str) -> None:
        if random.random() < 0.25:  # noqa: S311, PLR2004 - one in four gives up
            self.send(buyer, "DELETE", f"/orders/{order}")
            write(f"  someone gives up {title}")
            return
        paid = self.send(buyer, "POST", "/payments", {"orderId": order, "token": random.choice(CARDS)})  # noqa: S311
        write(f"  someone {'pays for' if paid.ok else 'cannot pay for'} {title}")


def play(url: str) -> None:
    """Let people shop until Ctrl-C."""
    write(f"People are shopping at {url}. Look at it, and press Ctrl-C to send them home.")
    shop = Shop(url)
    people = [threading.Thread(target=shop.act, args=[act]) for act in (shop.sell, *[shop.shop] * SHOPPERS)]
    for person in people:
        person.start()
    try:
        for person in people:
            person.join()
    finally:
        shop.stopping.set()
        for person in people:
            person.join()
