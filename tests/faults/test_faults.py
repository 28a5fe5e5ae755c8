"""Nothing is lost or sold twice, whatever dies: the real stack, its processes killed at random while people shop.

SEED repeats a plan of kills. MINUTES makes it long (`make soak`).
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.stack import Stack, running
from tests.eventually import eventually
from tests.faults import blows, history, rules
from tests.faults.crowd import SHOPPERS, Shopper, shopping
from tests.faults.ledger import Ledger
from tests.faults.witness import PATIENCE_SECONDS, Snapshot, Witness

SEED = int(os.environ.get("SEED") or 20260)
MINUTES = float(os.environ.get("MINUTES") or 0)
ORDERS = 2_000 if MINUTES else 300
ORDERS_A_ROUND = 300
ORDERS_AFTER_A_STORM = 30
# A function that is killed in a transaction leaves rows locked until the database ends that, which takes a minute. So
# the time to pay is longer in a long run, where reservations should still be there to be looked at. In a short one the
# database is killed last, which ends all transactions.
WINDOW_SECONDS = 75 if MINUTES else 10
LAST = [] if MINUTES else ["mongo"]
TICKETS = 40 if MINUTES else 15  # for each shopper to sell


def test_nothing_is_lost_or_sold_twice_whatever_dies(tmp_path: Path) -> None:
    print(f"repeat with SEED={SEED}")
    chance = random.Random(SEED)
    ledger, kills = Ledger(), Counter[str]()
    with _stack(tmp_path) as stack, Witness(stack) as witness:
        shoppers = [Shopper(stack.url, random.Random(chance.random()), ledger, TICKETS) for _ in range(SHOPPERS)]
        deadline = time.monotonic() + 60 * MINUTES
        while len(ledger.orders) < ORDERS or time.monotonic() < deadline:
            with shopping(shoppers):
                kills += _storm(stack, chance, ledger)
            assert list(rules.breaches(_calm(stack, witness))) == []
        seen = witness.end()
        _report(stack, seen, ledger, kills)
        assert [*rules.breaches(seen), *history.breaches(seen, ledger)] == []


@contextmanager
def _stack(folder: Path) -> Iterator[Stack]:
    """A stack whose orders expire soon, and whose log can be read afterwards."""
    with running(folder, EXPIRATION_WINDOW_SECONDS=str(WINDOW_SECONDS)) as stack:
        try:
            yield stack
        finally:
            log = folder / "log.jsonl"
            log.write_text("".join(f"{json.dumps(line)}\n" for line in stack.lines))
            print(f"what the processes said is in {log}")


def _storm(stack: Stack, chance: random.Random, ledger: Ledger) -> Counter[str]:
    """Kill every process, alone or with another one, while a few hundred orders are made."""
    enough = len(ledger.orders) + ORDERS_A_ROUND
    kills = Counter[str]()
    for blow in blows.deck(chance, blows.names(stack), LAST):
        time.sleep(blow.pause)
        print(f"after {blow.pause:.1f} s: SIGKILL for {' and '.join(blow.victims)}")
        blows.strike(stack, blow)
        kills.update(blow.victims)
    enough = max(enough, len(ledger.orders) + ORDERS_AFTER_A_STORM)
    eventually(lambda: len(ledger.orders) >= enough, PATIENCE_SECONDS)
    return kills


def _calm(stack: Stack, witness: Witness) -> Snapshot:
    began = time.monotonic()
    eventually(lambda: blows.recovered(stack))
    seen = witness.calm()
    print(f"calm after {time.monotonic() - began:.1f} s, with {len(seen.orders)} live orders")
    return seen


def _report(stack: Stack, seen: Snapshot, ledger: Ledger, kills: Counter[str]) -> None:
    ends = Counter(event["data"]["reason"] for event in seen.events if event["type"] == history.CANCELLED)
    restarts = sum(line["message"].endswith(blows.AGAIN) for line in stack.lines)
    twice = sum(count > 1 for count in seen.logged.values())
    print(f"{len(seen.orders)} orders, their buyers know of {len(ledger.orders)}; {len(ledger.refused)} were refused")
    print(f"they ended: {dict(ends)}; faults that clients met: {dict(Counter(ledger.faults))}")
    print(f"{len(seen.events)} events, {seen.logged.total()} in the log, {twice} of them more than once")
    print(f"{restarts} restarts after {sum(kills.values())} kills: {dict(kills)}")
