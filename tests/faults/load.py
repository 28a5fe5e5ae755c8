"""Shoppers who sell, reserve, pay, cancel, look and forget to pay while processes die."""

import random
import secrets
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

from tests.e2e.person import DECLINED_CARD, GOOD_CARD, PASSWORD, Person, Visitor
from tests.faults.client import Client
from tests.faults.ledger import Ledger, Offer, Reservation

SHOPPERS = 8
MAX_PAUSE_SECONDS = 0.3
AT_ONCE = 0.3  # the share of orders that are cancelled as soon as they are made
GOOD = 0.7  # the share of good cards


class Customer(Protocol):
    """A client that is in the shop until it closes."""

    def shop(self, closing: threading.Event) -> None:
        """Do this and that until the shop closes."""


class Shopper(Client):
    """Sells and buys, one request at a time; edits and takes back its own tickets only."""

    def __init__(self, url: str, chance: random.Random, ledger: Ledger, tickets: int) -> None:
        super().__init__(ledger)
        self._url = url
        self._chance = chance
        self._person = Person(url)
        self._id = self._person.api("GET", "/users/currentuser").json()["currentUser"]["id"]
        self._stock = tickets
        self._tickets: list[str] = []
        self._orders: list[str] = []
        for _ in range(tickets):
            self._sell()

    def shop(self, closing: threading.Event) -> None:
        """Do this and that until the shop closes."""
        deeds = {
            self._reserve: 12,
            self._pay: 5,
            self._cancel: 4,
            self._look: 3,
            self._edit: 2,
            self._take_back: 1,
            self._visit: 0.3,
        }
        while not closing.wait(self._chance.uniform(0, MAX_PAUSE_SECONDS)):
            [deed] = self._chance.choices(list(deeds), list(deeds.values()))
            deed()

    def _reserve(self) -> None:
        ticket = self._chance.choice([*self._ledger.on_sale])  # a copy, since others withdraw some meanwhile
        # 404: taken back meanwhile, or too new for orders while a relay or the bridge is down.
        answer = self.ask(self._person, "POST", "/orders", 201, 400, 404, ticketId=ticket)
        if answer and answer.status_code == 201:
            order = answer.json()["id"]
            self._ledger.orders[order] = Reservation(self._id, ticket)
            self._orders.append(order)
            if self._chance.random() < AT_ONCE:
                self._cancel()
        elif answer is not None:
            self._ledger.refused.append(ticket)

    def _pay(self) -> None:
        """For the newest order, again and again until it is known how it ends; something new is sold in its place."""
        if self._orders:
            order = self._orders[-1]
            if self.pay(self._person, order, GOOD_CARD if self._chance.random() < GOOD else DECLINED_CARD):
                self._orders.remove(order)
            if order in self._ledger.paid:
                self._sell()

    def _cancel(self) -> None:
        """The newest order, which may have expired or be paid; it is forgotten here even if no answer comes."""
        if self._orders:
            order = self._orders.pop()
            answer = self.ask(self._person, "DELETE", f"/orders/{order}", 204, 400)
            if answer is not None and answer.status_code == 204:
                self._ledger.cancelled.add(order)

    def _look(self) -> None:
        paths = ["/tickets", "/orders", "/users/currentuser"]
        paths += [f"/orders/{order}" for order in self._orders[-1:]]
        paths += [f"/tickets/{ticket}" for ticket in self._tickets[-1:]]
        self.ask(self._person, "GET", self._chance.choice(paths), 200)

    def _sell(self) -> None:
        title = _title()
        answer = self.ask(self._person, "POST", "/tickets", 201, title=title, price=20)
        if answer:
            ticket = answer.json()["id"]
            self._ledger.offers[ticket] = Offer(title)
            self._ledger.on_sale.append(ticket)
            self._tickets.append(ticket)

    def _edit(self) -> None:
        ticket, title = self._chance.choice(self._tickets), _title()
        answer = self.ask(self._person, "PUT", f"/tickets/{ticket}", 200, 400, title=title, price=30)
        if answer is None:
            self._ledger.offers[ticket].doubtful.add(title)
        elif answer.status_code == 200:
            self._ledger.offers[ticket].title = title

    def _take_back(self) -> None:
        """The oldest ticket, for a new one."""
        self._sell()
        if len(self._tickets) <= self._stock:  # the new one may be there or not
            return
        ticket = self._tickets.pop(0)
        answer = self.ask(self._person, "DELETE", f"/tickets/{ticket}", 204, 400)
        if answer is not None and answer.status_code == 400:
            if ticket in self._ledger.on_sale:  # a sold one is left out from now on
                self._tickets.append(ticket)
            return
        self._ledger.withdraw(ticket)
        (self._ledger.perhaps_taken_back if answer is None else self._ledger.taken_back).add(ticket)

    def _visit(self) -> None:
        """Sign up, in and out with a new email."""
        visitor, email = Visitor(self._url), f"{secrets.token_hex(8)}@example.com"
        if self.ask(visitor, "POST", "/users/signup", 201, email=email, password=PASSWORD):
            self._ledger.people.append(email)
            self.ask(visitor, "POST", "/users/signin", 200, email=email, password=PASSWORD)
            self.ask(visitor, "POST", "/users/signout", 200)


@contextmanager
def shopping(customers: Sequence[Customer]) -> Iterator[None]:
    """All of them at once, until the block ends."""
    closing = threading.Event()
    with ThreadPoolExecutor(len(customers)) as pool:
        at_work = [pool.submit(customer.shop, closing) for customer in customers]
        try:
            yield
        finally:
            closing.set()
    for one in at_work:
        one.result()


def _title() -> str:
    return f"Night {secrets.token_hex(4)}"
