"""The order flow holds in any order of events; and each guard that keeps it whole is needed.

EXAMPLES makes the long search longer.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties import guards_of_money, guards_of_tickets
from tests.properties.guard import Guard
from tests.properties.messaging import Messaging
from tests.properties.payers import Payers
from tests.properties.system import System

FEW_EXAMPLES, EXAMPLES = 2, int(os.environ.get("EXAMPLES") or 15)
EXAMPLES_WITHOUT_A_GUARD = 200  # most are found within a few
STEPS = 40
GUARDS = (*guards_of_tickets.GUARDS, *guards_of_money.GUARDS)


@pytest.mark.parametrize(("examples", "start"), [(FEW_EXAMPLES, 1), pytest.param(EXAMPLES, 2, marks=pytest.mark.slow)])
def test_the_order_flow_holds_in_any_order_of_events(system: System, examples: int, start: int) -> None:
    explore(system, start, examples, Phase.generate, Phase.shrink)


@pytest.mark.slow
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_it_does_not_hold_without(system: System, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    guard.take_out(monkeypatch)
    with pytest.raises(AssertionError, match=guard.finds):
        explore(system, guard.seed, EXAMPLES_WITHOUT_A_GUARD, Phase.generate)


def explore(system: System, start: int, examples: int, *phases: Phase) -> None:
    """Let all take any step in any order, the same in each run, and raise what breaks."""

    class Marketplace(Payers, Messaging):
        """All who take part."""

        def __init__(self) -> None:
            super().__init__(system)

    run_state_machine_as_test(
        seed(start)(Marketplace),
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            phases=phases,
            database=None,
            deadline=None,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
