"""Nothing is lost, sold or charged twice, in any crash: the real stack, killed piece by piece while people shop.

SEED repeats a plan of kills. MINUTES makes it long (`make soak`).
"""

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.eventually import eventually
from tests.faults import history, kills, rules
from tests.faults.ledger import Ledger
from tests.faults.load import SHOPPERS, Shopper, shopping
from tests.faults.observer import PATIENCE_SECONDS, Observer, Snapshot
from tests.faults.scene import impatient, report

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("SEED") or 20260)
MINUTES = float(os.environ.get("MINUTES") or 0)
ORDERS = 2_000 if MINUTES else 200
ORDERS_A_ROUND = 300 if MINUTES else 200
ORDERS_AFTER_A_STORM = 30
# A function that is killed in a transaction leaves rows locked until the database ends that, which takes a minute. So
# the time to pay is longer in a long run, where reservations should still be there to be looked at. In a short one the
# databases are killed last, which ends all transactions.
WINDOW_SECONDS = 75 if MINUTES else 10
LAST = [] if MINUTES else ["auth-mongo", "tickets-mongo", "orders-mongo", "payments-mongo"]
SETTLEMENT_DELAY_SECONDS = 12  # a little longer than payments-create waits for the provider
TICKETS = 40 if MINUTES else 15  # for each shopper to sell


def test_nothing_is_lost_or_sold_or_charged_twice_in_any_crash(tmp_path: Path) -> None:
    print(f"repeat with SEED={SEED}")
    chance = random.Random(SEED)
    ledger, killed = Ledger(), Counter[str]()
    with impatient(tmp_path, WINDOW_SECONDS, SETTLEMENT_DELAY_SECONDS) as stack, Observer(stack) as observer:
        shoppers = [Shopper(stack.url, random.Random(chance.random()), ledger, TICKETS) for _ in range(SHOPPERS)]
        deadline = time.monotonic() + 60 * MINUTES
        while len(ledger.orders) < ORDERS or time.monotonic() < deadline:
            with shopping(shoppers):
                killed += _storm(stack, chance, ledger)
            assert list(rules.breaches(_idle(stack, observer))) == []
        seen = observer.end()
        report(stack, seen, ledger, killed)
        assert [*rules.breaches(seen), *history.breaches(seen, ledger)] == []


def _storm(stack: Stack, chance: random.Random, ledger: Ledger) -> Counter[str]:
    """Kill every process, alone or with another one, while a few hundred orders are made and the provider is moody."""
    enough = len(ledger.orders) + ORDERS_A_ROUND
    killed = Counter[str]()
    kills.disturb(stack, chance)
    for kill in kills.plan(chance, kills.names(stack), LAST):
        time.sleep(kill.pause)
        print(f"after {kill.pause:.1f} s: SIGKILL for {' and '.join(kill.victims)}")
        kills.carry_out(stack, kill)
        killed.update(kill.victims)
    enough = max(enough, len(ledger.orders) + ORDERS_AFTER_A_STORM)
    eventually(lambda: len(ledger.orders) >= enough, PATIENCE_SECONDS)
    return killed


def _idle(stack: Stack, observer: Observer) -> Snapshot:
    began = time.monotonic()
    eventually(lambda: kills.recovered(stack), PATIENCE_SECONDS)
    seen = observer.idle()
    print(f"idle after {time.monotonic() - began:.1f} s, with {len(seen.orders)} live orders")
    return seen
