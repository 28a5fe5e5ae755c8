"""The card is charged, and the database does not take it: the buyer is told to wait, not that it failed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest
from bson import ObjectId

from functions.payments import repository
from functions.shared.storage import transaction
from tests.functions.harness import refusal
from tests.functions.overlap import overtake
from tests.functions.payment_scenario import DONE, PaymentScenario

IN_PROGRESS = refusal(409, "Payment in progress")


@contextmanager
def refused(scenario: PaymentScenario) -> Iterator[None]:
    """The database takes no payment that is settled."""
    scenario.store.database.command("collMod", "payments", validator={"status": "pending"})
    yield
    scenario.store.database.command("collMod", "payments", validator={})


@contextmanager
def locked(scenario: PaymentScenario) -> Iterator[None]:
    """Let another transaction hold the order's row."""
    order = {"_id": ObjectId(str(scenario.order["id"]))}
    with scenario.store.database.client.start_session() as session, session.start_transaction():
        scenario.store["orders"].update_one(order, {"$inc": {"writes": 1}}, session=session)
        yield
        session.abort_transaction()


@pytest.mark.parametrize("obstacle", [refused, locked])
def test_a_charge_that_cannot_be_recorded_is_in_progress_until_it_is_settled(
    scenario: PaymentScenario,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    obstacle: Callable[[PaymentScenario], AbstractContextManager[None]],
) -> None:
    with ExitStack() as meanwhile, monkeypatch.context() as patch:
        patch.setattr(transaction, "CONTENTION_SECONDS", 0.5)
        enter = lambda: meanwhile.enter_context(obstacle(scenario))  # noqa: E731
        paid, _ = overtake(scenario.process, scenario.pay, enter, (repository, "update"))

    assert (paid, scenario.status, scenario.charges, scenario.told) == (IN_PROGRESS, "pending", [1999], ["started"])
    assert "payment outcome not saved; settlement will retry" in capsys.readouterr().out
    assert (scenario.pay(), scenario.settle(), scenario.status, scenario.charges) == (
        IN_PROGRESS,
        DONE,
        "succeeded",
        [1999],
    )
