"""The system, its broker, and what must hold after every step."""

import sys
from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.properties import invariants, money
from tests.properties.broker import Broker
from tests.properties.system import System

MAX_ORDER = 15  # minutes
WHICH = st.integers(0, 15)  # of so many things, which; counted on from the first after the last
Item = TypeVar("Item")


class Market(RuleBasedStateMachine):
    """Checks after every step, and when every event has arrived."""

    def __init__(self, system: System) -> None:
        super().__init__()
        system.forget()
        self.system = system
        self.broker = Broker(system)

    @invariant()
    def holds(self) -> None:
        """What is true at every moment."""
        invariants.one_live_order_per_ticket(self.system.rows("orders", "orders"))

    @invariant()
    def relays_run(self) -> None:
        """What was committed is on its way at once, if its relay is alive."""
        self.broker.publish()

    @rule(minutes=st.sampled_from([5, MAX_ORDER]))
    def let_time_pass(self, minutes: int) -> None:
        """Orders become due."""
        self.system.time.passed += timedelta(minutes=minutes)

    @precondition(lambda self: self.broker.waiting or self.broker.stopped)
    @rule()
    def come_to_rest(self) -> None:
        """Every relay runs, and every event arrives."""
        self.broker.stopped.clear()
        self.broker.deliver_all()
        state = invariants.look(self.system)
        invariants.in_hindsight(state)
        money.in_hindsight(state)
        invariants.at_rest(state, self.system.time.now(UTC))
        money.at_rest(state)

    def teardown(self) -> None:
        """In the end every event arrives, and every order's time is over; unless something broke before."""
        if sys.exc_info()[1]:
            return
        self.come_to_rest()
        self.let_time_pass(MAX_ORDER)
        self.come_to_rest()


def pick(items: Sequence[Item], which: int) -> Item:
    """The item of this number."""
    return items[which % len(items)]
