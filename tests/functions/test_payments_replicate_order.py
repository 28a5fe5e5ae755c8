"""payments-replicate-order: on order.created, order.awaiting-payment, order.completed, order.cancelled."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.functions.harness import Document, assert_event, at_once, refusal
from tests.functions.payment_scenario import DONE, STATUS_EVENTS, PaymentScenario

LIVES = [
    ("created", "awaiting:payment", "complete", "cancelled"),
    ("created", "awaiting:payment", "cancelled"),
    ("created", "awaiting:payment", "complete"),
    ("created", "cancelled"),
]
Arrivals = Callable[[tuple[str, ...]], Iterator[tuple[int, ...]]]
CANCELLED = refusal(400, "Cannot pay for a cancelled order")


def replica(scenario: PaymentScenario) -> Document:
    [row] = scenario.store["orders"].find({}, {"_id": 0})
    return dict(row)


def in_turn(life: tuple[str, ...]) -> Iterator[tuple[int, ...]]:
    """Yield versions in every order, in turn each coming again at once, and all of them again backwards."""
    for number, once in enumerate(itertools.permutations(range(len(life)))):
        yield once + once[::-1] if number % 2 else tuple(version for version in once for _ in range(2))


def in_both_ways(life: tuple[str, ...]) -> Iterator[tuple[int, ...]]:
    """Yield versions in every order, each coming again at once, and all of them again backwards."""
    for once in itertools.permutations(range(len(life))):
        yield tuple(version for version in once for _ in range(2))
        yield once + once[::-1]


ARRIVALS = pytest.mark.parametrize("arrivals", [in_turn, pytest.param(in_both_ways, marks=pytest.mark.slow)])


def test_keeps_what_payments_need_to_know(scenario: PaymentScenario) -> None:
    assert scenario.hear("awaiting:payment", 3, expiresAt="2031-05-06T07:08:09.123Z") == DONE
    row = replica(scenario)
    assert row.pop("expiresAt").isoformat() == "2031-05-06T07:08:09.123000+00:00"
    assert row == {"userId": scenario.buyer.id, "status": "awaiting:payment", "priceCents": 1999, "version": 3}
    assert scenario.told == []


@pytest.mark.parametrize("status", STATUS_EVENTS)
@pytest.mark.parametrize("version", [0, 4, 5])
def test_acks_an_older_or_equal_version_and_changes_nothing(
    scenario: PaymentScenario, status: str, version: int
) -> None:
    scenario.hear("complete", 5)
    before = scenario.store.dump()
    assert scenario.hear(status, version) == DONE
    assert scenario.store.dump() == before


@ARRIVALS
@pytest.mark.parametrize("life", LIVES, ids=", ".join)
def test_every_arrival_order_doubled_ends_with_the_last_version(
    scenario: PaymentScenario, life: tuple[str, ...], arrivals: Arrivals
) -> None:
    for versions in arrivals(life):
        scenario.store["orders"].delete_many({})
        for version in versions:
            assert scenario.hear(life[version], version) == DONE
        assert (replica(scenario)["version"], replica(scenario)["status"]) == (len(life) - 1, life[-1])


@ARRIVALS
@pytest.mark.parametrize("life", LIVES[:2], ids=", ".join)
def test_every_arrival_order_doubled_gives_what_was_charged_back_once(
    scenario: PaymentScenario, life: tuple[str, ...], arrivals: Arrivals
) -> None:
    scenario.pay()
    for number, versions in enumerate(arrivals(life)):
        before = scenario.store.dump()
        for version in versions:
            assert scenario.hear(life[version], version + 1) == DONE
        assert (scenario.status, scenario.told.count("refund-requested")) == ("refunding", 1), number
        restore(scenario, before)


def restore(scenario: PaymentScenario, rows: dict[str, list[Document]]) -> None:
    scenario.store.clear()
    for name, found in rows.items():
        scenario.store[name].insert_many(found)


def test_an_order_that_is_cancelled_before_it_is_created_cannot_be_paid(scenario: PaymentScenario) -> None:
    scenario.store.clear()
    assert [scenario.hear("cancelled", 1), scenario.hear("created", 0)] == [DONE, DONE]
    assert scenario.pay() == CANCELLED
    assert scenario.charges == []


@pytest.mark.parametrize("token", ["tok_chargeDeclined", "tok_visa"])
def test_a_cancelled_order_gets_back_what_was_charged_only(scenario: PaymentScenario, token: str) -> None:
    scenario.pay(token)
    assert scenario.cancel() == DONE
    assert scenario.status == {"tok_chargeDeclined": "failed", "tok_visa": "refunding"}[token]


def test_a_payment_that_is_pending_when_its_order_is_cancelled_is_to_be_settled_now(charged: PaymentScenario) -> None:
    assert [charged.cancel(), charged.cancel()] == [DONE, DONE]
    assert (charged.status, charged.told) == ("pending", ["overdue", "started"])
    data = {"id": charged.id, "orderId": charged.order["id"]}
    assert_event(charged.store.events()[1], "payment.overdue", charged.id, data)


def test_what_went_back_goes_back_once(scenario: PaymentScenario) -> None:
    scenario.pay()
    scenario.cancel()
    scenario.refund()
    before = scenario.store.dump()
    assert scenario.hear("cancelled", 9) == DONE
    assert scenario.store.dump() == before
    assert scenario.hear("cancelled", 10) == DONE
    assert (scenario.status, scenario.told.count("refund-requested")) == ("refunded", 1)


def test_a_complete_order_gets_nothing_back(scenario: PaymentScenario) -> None:
    scenario.pay()
    assert scenario.hear("complete", 2) == DONE
    assert (scenario.status, scenario.told) == ("succeeded", ["created", "started"])


def test_many_deliveries_at_once_of_an_order_that_is_new(scenario: PaymentScenario) -> None:
    scenario.store.clear()
    told = [("created", 0), ("awaiting:payment", 1), ("cancelled", 2)] * 5
    assert at_once(scenario.process, lambda one: scenario.hear(*one), told) == [DONE] * len(told)
    assert (replica(scenario)["version"], replica(scenario)["status"]) == (2, "cancelled")
