"""A charge and the end of its order at once: whichever is recorded second finds the refund due, and one is made.

Each order of the two has its twin, in which no charge that is recorded writes the order's row: there the money is kept.
"""

from collections.abc import Callable

import pytest

from functions.payments import repository, rows
from functions.payments.domain import Order
from functions.shared.storage.transaction import Transaction
from tests.functions.harness import at_once, refusal
from tests.functions.overlap import overtake
from tests.functions.payment_scenario import DONE, RECEIVED, PaymentScenario

CANCELLED = refusal(400, "Cannot pay for a cancelled order")
Step = Callable[[PaymentScenario], tuple[int, object]]
RECORDERS: list[Step] = [PaymentScenario.settle, PaymentScenario.webhook]


@pytest.fixture(params=RECORDERS)
def record(request: pytest.FixtureRequest) -> Step:
    """Record, in one of the ways, a charge that only the provider knows."""
    step: Step = request.param
    return step


def assert_refunded_once(scenario: PaymentScenario) -> None:
    """The refund is asked for in one event, and made once though that comes twice."""
    assert (scenario.status, scenario.told.count("refund-requested")) == ("refunding", 1)
    assert [scenario.refund(), scenario.refund()] == [DONE, DONE]
    assert (scenario.status, scenario.charges, scenario.refunds) == ("refunded", [1999], [1999])
    assert scenario.told.count("refunded") == 1


def without_the_write(order_id: str, within: Transaction, _known: object = None) -> Order:
    """What `_touch` gives back, only read."""
    order = repository.look_up_order(order_id, within)
    assert order
    return order


def test_a_charge_that_the_cancellation_overtakes_goes_back(charged: PaymentScenario, record: Step) -> None:
    recorded, cancelled = overtake(charged.process, lambda: record(charged), charged.cancel, (repository, "_touch"))
    assert (recorded in (DONE, RECEIVED), cancelled) == (True, DONE)
    assert_refunded_once(charged)


def test_without_the_write_a_charge_that_the_cancellation_overtakes_is_kept(
    charged: PaymentScenario, record: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_touch", without_the_write)
    overtake(charged.process, lambda: record(charged), charged.cancel, (repository, "_save"))
    assert charged.status == "succeeded"


def test_a_cancellation_that_the_charge_overtakes_gives_it_back(charged: PaymentScenario, record: Step) -> None:
    cancelled, recorded = overtake(charged.process, charged.cancel, lambda: record(charged), (rows, "from_order"))
    assert (recorded in (DONE, RECEIVED), cancelled) == (True, DONE)
    assert_refunded_once(charged)
    assert charged.told == ["created", "refund-requested", "refunded", "started"]


def test_without_the_write_a_cancellation_that_the_charge_overtakes_keeps_it(
    charged: PaymentScenario, record: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_touch", without_the_write)
    overtake(charged.process, charged.cancel, lambda: record(charged), (rows, "from_order"))
    assert charged.status == "succeeded"


def test_a_buyer_whose_order_is_cancelled_while_the_card_is_charged_gets_the_money_back(
    scenario: PaymentScenario,
) -> None:
    paid, cancelled = overtake(scenario.process, scenario.pay, scenario.cancel, (repository, "update"))
    assert (paid, cancelled) == (CANCELLED, DONE)
    assert scenario.told == ["overdue", "refund-requested", "started"]
    assert_refunded_once(scenario)


def test_an_order_that_is_cancelled_before_the_payment_is_stored_is_not_charged(scenario: PaymentScenario) -> None:
    paid, cancelled = overtake(scenario.process, scenario.pay, scenario.cancel, (repository, "look_up_order"))
    assert (paid, cancelled) == (CANCELLED, DONE)
    assert (scenario.store["payments"].count_documents({}), scenario.charges, scenario.told) == (0, [], [])


def test_an_order_that_is_cancelled_after_it_was_paid_is_refunded(scenario: PaymentScenario) -> None:
    scenario.pay()
    assert scenario.cancel() == DONE
    assert_refunded_once(scenario)


def test_an_order_whose_ticket_is_gone_is_refunded_even_if_it_is_complete(scenario: PaymentScenario) -> None:
    scenario.pay()
    assert scenario.hear("complete", 2) == DONE
    assert scenario.hear("cancelled", 3, reason="the ticket was deleted") == DONE
    assert_refunded_once(scenario)


def test_everything_at_once_ends_in_one_charge_and_one_refund(scenario: PaymentScenario) -> None:
    steps = [scenario.pay, scenario.cancel, *[scenario.pay] * 8]
    at_once(scenario.process, lambda step: step(), steps)
    rows = scenario.store["payments"].count_documents({})
    assert rows == len(scenario.charges) <= 1
    if rows:
        assert_refunded_once(scenario)


def test_a_refund_that_is_asked_for_many_times_at_once_is_made_once(scenario: PaymentScenario) -> None:
    scenario.pay()
    scenario.cancel()
    answers = [answer[0] for answer in at_once(scenario.process, lambda _: scenario.refund(), range(10))]
    assert set(answers) <= {204, 500}  # 500: the provider is at it for another, so the event comes again
    assert 204 in answers
    assert (scenario.status, scenario.refunds, scenario.told.count("refunded")) == ("refunded", [1999], 1)


def test_without_the_index_two_clicks_are_two_charges(scenario: PaymentScenario) -> None:
    payments = scenario.store["payments"]
    [index] = repository.GUARANTEES["payments"]
    payments.drop_index(index.document["name"])
    try:
        first, second = overtake(scenario.process, scenario.pay, scenario.pay, (repository, "add"))
        assert (first[0], second[0], scenario.charges) == (201, 201, [1999, 1999])
    finally:
        payments.delete_many({})
        payments.create_indexes([index])
