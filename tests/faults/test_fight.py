"""Fifty buyers fight over ten tickets, while payment functions, their database and the provider are killed.

Half of them pay with a token, half in a browser, where 3-D Secure is approved, refused or left. Cards are declined at
random, webhooks come late and twice. SEED repeats the plan of kills.
"""

import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.person import Person
from tests.e2e.stack import Stack
from tests.eventually import eventually
from tests.faults import history, kills, rules
from tests.faults.buyer import Buyer
from tests.faults.ledger import Ledger
from tests.faults.load import shopping
from tests.faults.observer import PATIENCE_SECONDS, Observer
from tests.faults.scene import impatient, report

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("SEED") or 20261)
BUYERS, TICKETS = 50, 10
WINDOW_SECONDS = SETTLEMENT_DELAY_SECONDS = 10
DECLINING = 0.4
SLOW_SECONDS = 1.0  # to tell that a card is charged: time to change one's mind
BREATH_SECONDS = 0.7  # between kills, for payments to get on at all
LAST = "payments-mongo"  # ends the transactions of those that were killed before
VICTIMS = {
    "payments-create",
    "payments-webhook",
    "payments-replicate-order",
    "payments-schedule-settlement",
    "payments-settle",
    "payments-refund",
    "stripe",
}


def test_fifty_buyers_fight_over_ten_tickets_while_all_that_payments_need_is_killed(tmp_path: Path) -> None:
    print(f"repeat with SEED={SEED}")
    chance, ledger, killed = random.Random(SEED), Ledger(), Counter[str]()
    with impatient(tmp_path, WINDOW_SECONDS, SETTLEMENT_DELAY_SECONDS) as stack, Observer(stack) as observer:
        seller = Person(stack.url)
        ledger.on_sale += [seller.sell() for _ in range(TICKETS)]
        with ThreadPoolExecutor() as entrance:
            buyers = list(
                entrance.map(lambda _: Buyer(stack.url, random.Random(), ledger, stack.provider.url), range(BUYERS))
            )
        with shopping(buyers):
            for webhooks, victims in (("late", VICTIMS), ("twice", {*VICTIMS, LAST})):
                kills.disturb(stack, chance, webhooks=webhooks, decline=DECLINING, delay=SLOW_SECONDS)
                killed += _storm(stack, chance, victims)
                print(f"{len(ledger.on_sale)} tickets left after a storm")
            eventually(lambda: _all_is_seen(stack, seller, ledger), PATIENCE_SECONDS)
            eventually(lambda: not ledger.on_sale, PATIENCE_SECONDS)
        seen = observer.end()
        report(stack, seen, ledger, killed)
        assert [*rules.breaches(seen), *history.breaches(seen, ledger)] == []
        assert seen.refunds
        assert "Your card was declined." in {payment["reason"] for payment in seen.payments.values()}


def _all_is_seen(stack: Stack, seller: Person, ledger: Ledger) -> bool:
    """Whether a card was declined and a charge given back; if not, there is one more ticket to fight for."""
    seen = bool(ledger.declined and stack.provider.ledger()["refunds"])
    if not seen and not ledger.on_sale:
        ledger.on_sale.append(seller.sell())
    return seen


def _storm(stack: Stack, chance: random.Random, victims: set[str]) -> Counter[str]:
    killed = Counter[str]()
    for kill in kills.plan(chance, victims, victims & {LAST}):
        time.sleep(kill.pause + BREATH_SECONDS)
        kills.carry_out(stack, kill)
        killed.update(kill.victims)
    eventually(lambda: kills.recovered(stack), PATIENCE_SECONDS)
    return killed
