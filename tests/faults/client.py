"""A client of the shop while processes die, which records what it is told."""

import random
import time
from contextlib import suppress

import requests

from tests.browser import CHALLENGED, DECLINED, GOOD, Browser
from tests.e2e.person import Visitor
from tests.faults.ledger import Ledger

AFTER_A_FAULT_SECONDS = 0.2
NUMBERS = (GOOD, CHALLENGED, CHALLENGED, DECLINED)
ANSWERS = ("approve", "approve", "refuse", "")  # to the bank's question; the last leaves its page


class Client:
    """Sends requests, one at a time, and records in the ledger what the answer tells for certain."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def ask(self, who: Visitor, method: str, path: str, *expected: int, **body: object) -> requests.Response | None:
        """Return the answer; None if there is none or it is a server's fault, so that the outcome is unknown."""
        try:
            answer = who.api(method, path, **body)
        except requests.RequestException as error:
            self._wait_after(type(error).__name__)
            return None
        if answer.status_code >= 500:
            self._wait_after(str(answer.status_code))
            return None
        if answer.status_code not in expected:
            self._ledger.surprises.append(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def pay(self, who: Visitor, order: str, card: str) -> bool:
        """Pay, and return whether it is known how the order ends."""
        # 404: too new for payments while a relay or the bridge is down; 409: not known yet.
        answer = self.ask(who, "POST", "/payments", 201, 400, 402, 404, 409, orderId=order, token=card)
        if answer is None or answer.status_code in (404, 409):
            return False
        if answer.status_code == 201 or "already paid" in answer.text:
            self._ledger.paid.add(order)
            self._ledger.withdraw(self._ledger.orders[order].ticket)
        elif answer.status_code == 402:
            self._ledger.declined.add(order)
        return True

    def pay_in_browser(self, who: Visitor, order: str, provider_url: str, chance: random.Random) -> bool:
        """Try a card in a browser; return True when it is known how the order ends."""
        answer = self.ask(who, "POST", "/payments", 201, 400, 404, 409, orderId=order)
        if answer is None or answer.status_code in (404, 409):
            return False
        if answer.status_code == 400:
            if "already paid" in answer.text:
                self._ledger.paid.add(order)
                self._ledger.withdraw(self._ledger.orders[order].ticket)
            return True
        with suppress(requests.RequestException, KeyError):  # the provider may be killed, the intent cancelled
            browser = Browser(provider_url, answer.json()["clientSecret"])
            _, intent = browser.confirm(chance.choice(NUMBERS))
            if intent.get("status") == "requires_action":
                browser.answer(chance.choice(ANSWERS))
        return False  # the webhook tells, and the shop when it is asked again

    def _wait_after(self, fault: str) -> None:
        self._ledger.faults.append(fault)
        time.sleep(AFTER_A_FAULT_SECONDS)
