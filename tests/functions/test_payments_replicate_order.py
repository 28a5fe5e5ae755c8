"""payments-replicate-order: on order.created, order.awaiting-payment, order.completed, order.cancelled."""

import itertools
from collections.abc import Iterator

import pytest

from tests.functions.harness import Document, at_once, refusal
from tests.functions.payment_scenario import DONE, STATUS_EVENTS, Till

LIVES = [
    ("created", "awaiting:payment", "complete", "cancelled"),
    ("created", "awaiting:payment", "cancelled"),
    ("created", "awaiting:payment", "complete"),
    ("created", "cancelled"),
]
CANCELLED = refusal(400, "Cannot pay for a cancelled order")


def replica(till: Till) -> Document:
    [row] = till.store["orders"].find({}, {"_id": 0})
    return dict(row)


def arrivals(life: tuple[str, ...]) -> Iterator[tuple[int, ...]]:
    """Versions in every order, each coming again at once, or all of them again backwards."""
    for once in itertools.permutations(range(len(life))):
        yield tuple(version for version in once for _ in range(2))
        yield once + once[::-1]


def test_keeps_what_payments_need_to_know(till: Till) -> None:
    assert till.hear("awaiting:payment", 3, expiresAt="2031-05-06T07:08:09.123Z") == DONE
    row = replica(till)
    assert row.pop("expiresAt").isoformat() == "2031-05-06T07:08:09.123000+00:00"
    assert row == {"userId": till.buyer.id, "status": "awaiting:payment", "priceCents": 1999, "version": 3}
    assert till.told == []


@pytest.mark.parametrize("status", STATUS_EVENTS)
@pytest.mark.parametrize("version", [0, 4, 5])
def test_acks_an_older_or_equal_version_and_changes_nothing(till: Till, status: str, version: int) -> None:
    till.hear("complete", 5)
    before = till.store.dump()
    assert till.hear(status, version) == DONE
    assert till.store.dump() == before


@pytest.mark.parametrize("life", LIVES, ids=", ".join)
def test_every_arrival_order_doubled_ends_with_the_last_version(till: Till, life: tuple[str, ...]) -> None:
    for versions in arrivals(life):
        till.store["orders"].delete_many({})
        for version in versions:
            assert till.hear(life[version], version) == DONE
        assert (replica(till)["version"], replica(till)["status"]) == (len(life) - 1, life[-1])


@pytest.mark.parametrize("life", LIVES[:2], ids=", ".join)
def test_every_arrival_order_doubled_gives_what_was_charged_back_once(till: Till, life: tuple[str, ...]) -> None:
    till.pay()
    for number, versions in enumerate(arrivals(life)):
        before = till.store.dump()
        for version in versions:
            assert till.hear(life[version], version + 1) == DONE
        assert (till.status, till.told.count("refund-requested")) == ("refunding", 1), number
        restore(till, before)


def restore(till: Till, rows: dict[str, list[Document]]) -> None:
    till.store.clear()
    for name, found in rows.items():
        till.store[name].insert_many(found)


def test_an_order_that_is_cancelled_before_it_is_created_cannot_be_paid(till: Till) -> None:
    till.store.clear()
    assert [till.hear("cancelled", 1), till.hear("created", 0)] == [DONE, DONE]
    assert till.pay() == CANCELLED
    assert till.charges == []


@pytest.mark.parametrize("token", ["tok_chargeDeclined", "tok_visa"])
def test_a_cancelled_order_gets_back_what_was_charged_only(till: Till, token: str) -> None:
    till.pay(token)
    assert till.cancel() == DONE
    assert till.status == {"tok_chargeDeclined": "failed", "tok_visa": "refunding"}[token]


def test_a_payment_that_is_pending_when_its_order_is_cancelled_stays_that(charged: Till) -> None:
    assert charged.cancel() == DONE
    assert (charged.status, charged.told) == ("pending", ["started"])


def test_what_went_back_goes_back_once(till: Till) -> None:
    till.pay()
    till.cancel()
    till.refund()
    before = till.store.dump()
    assert till.hear("cancelled", 9) == DONE
    assert till.store.dump() == before
    assert till.hear("cancelled", 10) == DONE
    assert (till.status, till.told.count("refund-requested")) == ("refunded", 1)


def test_a_complete_order_gets_nothing_back(till: Till) -> None:
    till.pay()
    assert till.hear("complete", 2) == DONE
    assert (till.status, till.told) == ("succeeded", ["created", "started"])


def test_many_deliveries_at_once_of_an_order_that_is_new(till: Till) -> None:
    till.store.clear()
    told = [("created", 0), ("awaiting:payment", 1), ("cancelled", 2)] * 5
    assert at_once(till.process, lambda one: till.hear(*one), told) == [DONE] * len(told)
    assert (replica(till)["version"], replica(till)["status"]) == (2, "cancelled")
