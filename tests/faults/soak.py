"""Nothing is lost, sold or charged twice, in any fault: faults of all kinds, for as long as wanted (`make soak`).

SEED repeats a plan of faults. It ends after MINUTES, or when there were ORDERS and FAULTS, if both are given. The log
is so small that it fills up and makes room again and again. Disks can only be full where this user may mount some.
"""

import itertools
import os
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.eventually import eventually
from tests.faults import disks, history, injections, kills, rules
from tests.faults.injections import Fault, Scene
from tests.faults.ledger import Ledger
from tests.faults.load import Shopper, shopping
from tests.faults.log import Log
from tests.faults.observer import PATIENCE_SECONDS, Observer, Snapshot
from tests.faults.pages import Pages
from tests.faults.scene import impatient, report

SEED = int(os.environ.get("SEED") or time.time())
MINUTES = float(os.environ.get("MINUTES") or 10)
ORDERS, FAULTS = (int(os.environ.get(name) or 0) for name in ("ORDERS", "FAULTS"))
FAULTS_A_ROUND = 60
BREAKABLE = [sys.executable, "-m", "tests.faults.breakable"]
LOG_BYTES = 4 * disks.MIB  # of which 60 % are some 350 orders
# A function that is killed in a transaction leaves rows locked until the database ends that, which takes a minute.
WINDOW_SECONDS = 75
SETTLEMENT_DELAY_SECONDS = 12
SHOPPERS, TICKETS, RESERVATIONS = 24, 15, 200  # of each


def test_nothing_is_lost_or_sold_or_charged_twice_in_any_fault(tmp_path: Path) -> None:
    chance, ledger, began = random.Random(SEED), Ledger(), time.monotonic()
    deadline = began + 60 * MINUTES
    limits = {"LOG_BYTES": str(LOG_BYTES), "RESERVATIONS_PER_BUYER": str(RESERVATIONS)}
    with (
        disks.mounted(tmp_path) as stores,
        impatient(tmp_path, WINDOW_SECONDS, SETTLEMENT_DELAY_SECONDS, BREAKABLE, **limits) as stack,
        Observer(stack) as observer,
    ):
        scene = Scene(stack, stores, Log(stack.nats_url), Pages(tmp_path))
        faults = injections.plan(random.Random(chance.random()), kills.names(stack), stores)
        chances = [random.Random(chance.random()) for _ in range(SHOPPERS)]
        with ThreadPoolExecutor() as entrance:
            shoppers = list(entrance.map(lambda one: Shopper(stack.url, one, ledger, TICKETS), chances))
        outcome = "failed"
        try:
            while time.monotonic() < deadline and not _enough(scene, ledger):
                kills.disturb(stack, chance)
                with shopping(shoppers):
                    injections.carry_out(_before(deadline, itertools.islice(faults, FAULTS_A_ROUND)), scene)
                assert [*rules.breaches(_idle(observer, scene)), *scene.untrue, *ledger.surprises] == []
            seen = observer.end()
            report(stack, seen, ledger, scene.done)
            assert [*rules.breaches(seen), *history.breaches(seen, ledger)] == []
            outcome = "no breach"
        finally:
            print(_line(outcome, scene, ledger, time.monotonic() - began))


def _line(outcome: str, scene: Scene, ledger: Ledger, seconds: float) -> str:
    kinds = ", ".join(f"{count} x {kind}" for kind, count in scene.done.most_common())
    return (
        f"SEED={SEED}: {outcome}; {len(ledger.orders)} orders, {scene.done.total()} faults ({kinds}), "
        f"{len(ledger.faults)} requests failed, {seconds / 60:.0f} minutes"
    )


def _enough(scene: Scene, ledger: Ledger) -> bool:
    return bool(ORDERS and FAULTS) and len(ledger.orders) >= ORDERS and scene.done.total() >= FAULTS


def _before(deadline: float, faults: Iterator[Fault]) -> Iterator[Fault]:
    return itertools.takewhile(lambda _: time.monotonic() < deadline, faults)


def _idle(observer: Observer, scene: Scene) -> Snapshot:
    """Wait until all that was broken works again, and nothing is under way."""
    began = time.monotonic()
    eventually(lambda: kills.recovered(scene.stack), PATIENCE_SECONDS)
    eventually(scene.pages.all_ready, PATIENCE_SECONDS)
    seen = observer.idle()
    print(f"idle after {time.monotonic() - began:.1f} s, {scene.done.total()} faults, {len(seen.orders)} live orders")
    return seen
