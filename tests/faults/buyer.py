"""A buyer among many, all of them after the same few tickets."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.person import GOOD_CARD, Person, Visitor
from tests.faults.client import Client
from tests.faults.ledger import Ledger, Reservation

MAX_PAUSE_SECONDS = 2.0
GLANCES_SECONDS = 0.2
IN_BROWSER = 0.5  # the share of orders that are paid without a token
CHANGES_OF_MIND = 0.5  # the share of orders that are cancelled while they are paid


class Buyer(Client):
    """Reserves a ticket, pays for it, perhaps cancels meanwhile, asks until it is known how that ends; and again."""

    def __init__(self, url: str, chance: random.Random, ledger: Ledger, provider_url: str) -> None:
        super().__init__(ledger)
        self._provider_url = provider_url
        self._chance = chance
        self._person = Person(url)
        self._id = self._person.api("GET", "/users/currentuser").json()["currentUser"]["id"]
        self._other_tab = Visitor(url)
        self._other_tab.cookies.update(self._person.cookies)

    def shop(self, closing: threading.Event) -> None:
        """Fight until the shop closes."""
        while not self._rests(closing):
            order = self._reserve()
            if order:
                self._see_through(order, closing)

    def _reserve(self) -> str | None:
        """The order, if this buyer was the fastest."""
        if not (left := [*self._ledger.on_sale]):
            return None
        ticket = self._chance.choice(left)
        answer = self.ask(self._person, "POST", "/orders", 201, 400, ticketId=ticket)
        if not answer:
            self._ledger.refused += [ticket] if answer is not None else []
            return None
        order = str(answer.json()["id"])
        self._ledger.orders[order] = Reservation(self._id, ticket)
        return order

    def _see_through(self, order: str, closing: threading.Event) -> None:
        with ThreadPoolExecutor(1) as meanwhile:
            if self._chance.random() < CHANGES_OF_MIND:
                meanwhile.submit(self._change_mind, order, closing)
            in_browser = self._chance.random() < IN_BROWSER
            while not self._pay(order, in_browser=in_browser) and not self._rests(closing):
                pass

    def _pay(self, order: str, *, in_browser: bool) -> bool:
        if in_browser:
            return self.pay_in_browser(self._person, order, self._provider_url, self._chance)
        return self.pay(self._person, order, GOOD_CARD)

    def _change_mind(self, order: str, closing: threading.Event) -> None:
        """Cancel as soon as the payment is under way. Whether the money or the cancellation is first is open then."""
        while not closing.wait(GLANCES_SECONDS):
            seen = self.ask(self._other_tab, "GET", f"/orders/{order}", 200)
            if seen and seen.json()["status"] != "created":
                self._cancel(order)
                return

    def _cancel(self, order: str) -> None:
        if self.ask(self._other_tab, "DELETE", f"/orders/{order}", 204, 400):
            self._ledger.cancelled.add(order)

    def _rests(self, closing: threading.Event) -> bool:
        """Whether the shop closes meanwhile."""
        return closing.wait(self._chance.uniform(0, MAX_PAUSE_SECONDS))
