"""A client of the shop while processes die, which records what it is told."""

import time

import requests

from tests.e2e.person import Visitor
from tests.faults.ledger import Ledger

AFTER_A_FAULT_SECONDS = 0.2


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

    def _wait_after(self, fault: str) -> None:
        self._ledger.faults.append(fault)
        time.sleep(AFTER_A_FAULT_SECONDS)
