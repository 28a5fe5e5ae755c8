"""Each rule of the fault tests sees what breaks it, and nothing in what is right."""

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.faults import history, rules
from tests.faults.expectations import CONSISTENT, EVENTS, IDLE, LEDGER, NOW, REFUND, TICKET, charge, order
from tests.faults.ledger import Ledger
from tests.faults.observer import Snapshot


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert _breaches(CONSISTENT, LEDGER) == []


def test_tickets_need_not_know_that_a_payment_begins() -> None:
    begun = {"orders.second": order("awaiting:payment", 1), "payable.second.status": "awaiting:payment"}

    assert [*rules.breaches(_changed({**begun, "payable.second.version": 1}))] == []


def test_an_order_may_wait_for_its_database_while_the_one_before_ends() -> None:
    waited = {"events.2.time": "2029-12-31T23:59:02Z"}  # since it was announced: that was before the end

    assert _breaches(_changed(waited), LEDGER) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"progress": replace(IDLE, unacknowledged=1)}, "it never became idle"),
        ({"progress": replace(IDLE, unsent=1)}, "it never became idle"),
        ({"progress": replace(IDLE, parked=1)}, "it never became idle"),
        ({"progress": replace(IDLE, replaying=1)}, "it never became idle"),
        ({"progress": replace(IDLE, scheduled=0)}, "order second is created after its expiry"),
        ({"orders.second.expiresAt": NOW - timedelta(minutes=3)}, "order second is created after its expiry"),
        ({"tickets.ticket": TICKET}, "order second is live, but its ticket ticket is reserved for None"),
        ({"tickets.ticket.orderId": "first"}, "ticket ticket is reserved for first, which is no live order"),
        ({"reservations.second.version": 1}, "order second is ('ticket', 0, True), but its reservation is"),
        ({"reservations.first.live": True}, "order first is ('ticket', 1, False), but its reservation is"),
        ({"replicas.ticket.title": "Day"}, "ticket ticket is ('Night', 2000), but its replica is ('Day'"),
        ({"replicas.gone": TICKET}, "ticket gone is None, but its replica is"),
        (
            {"payable.second.status": "cancelled"},
            "(0, 'created', 'buyer', 2000), but payments know it as (0, 'cancelled'",
        ),
        ({"payable.gone": order("created", 0)}, "order gone is None, but payments know it as"),
        ({"payments.late.status": "refunding"}, "payment late of order first is refunding"),
        (
            {"progress": replace(IDLE, scheduled=0), "payments.late.status": "pending"},
            "payment late of order first is pe",
        ),
        ({"orders.third.status": "created"}, "for order third, [] should be kept, and [2000] is"),
        ({"orders.third.ticket.priceCents": 3000}, "for order third, [3000] should be kept, and [2000] is"),
        ({"charges.pi_kept.amount_received": 0}, "for order third, [2000] should be kept, and [] is"),
        ({"charges.pi_kept.amount_refunded": 2000}, "for order third, [2000] should be kept, and [] is"),
        ({"charges.pi_again": charge("third")}, "for order third, [2000] should be kept, and [2000, 2000] is"),
        ({"charges.pi_late.amount_refunded": 0}, "for order first, [] should be kept, and [2000] is"),
        ({"refunds.re_again": REFUND}, "[2000, 2000] was given back of charge pi_late over 2000"),
        ({"refunds.re_late.amount": 1000}, "[1000] was given back of charge pi_late over 2000"),
        ({"dead_letters": ["orders-expire: answered 422"]}, "a dead letter: orders-expire: answered 422"),
        ({"events": [*EVENTS[:1], *EVENTS[2:], EVENTS[1]]}, "ticket ticket had orders first and second at once"),
        ({"events.1.type": "lost"}, "ticket ticket had orders first and second at once"),
        ({"events.1.data.version": 2}, "events show versions [0, 2] of first"),
        ({"orders.first.version": 2}, "events show versions [0, 1] of first"),
        ({"events.2.subject": "another"}, "no event shows second"),
        ({"events.2.id": "8"}, "dev.ticketing.order.created 8 is not in the log"),
        ({"logged": Counter()}, "the expiry of order second is not in the log"),
        ({"logged": Counter()}, "the time limit of payment kept is not in the log"),
        ({"events.1.time": "2029-12-31T23:59:09Z"}, "order first expired at 2029-12-31T23:59:09Z, before"),
        ({"emails": set()}, "p@example.com signed up and is gone"),
        ({"tickets.ticket.title": "Day"}, "ticket ticket is called Day, its seller was told"),
        ({"tickets": {}}, "ticket ticket is gone, and its seller did not take it back"),
        ({"tickets.gone": TICKET}, "ticket gone was taken back, and is"),
        ({"orders.second.userId": "another buyer"}, "its buyer was told Reservation"),
        (
            {"events.11.type": "dev.ticketing.payment.created"},
            "payment kept was ('created', 'created'), and it is succe",
        ),
        (
            {"events.12.type": "dev.ticketing.payment.failed"},
            "payment kept was ('started', 'failed'), and it is succee",
        ),
        ({"events.15.subject": "kept"}, "payment late was ('started', 'refund-requested'), and it is refunded"),
        ({"payments.third": {"orderId": "?", "status": "failed"}}, "payment third was (), and it is failed"),
        ({"payments.kept.status": "failed"}, "the payment of order third is failed, its buyer was told succeeded"),
        ({"payments": {}}, "the payment of order third is None, its buyer was told succeeded"),
        ({"orders.first.status": "created"}, "order first is created, its buyer was told that it is cancelled"),
    ],
)
def test_a_breach_is_seen(changes: dict[str, Any], sentence: str) -> None:
    assert any(sentence in breach for breach in _breaches(_changed(changes), LEDGER))


def test_an_answer_that_must_not_be_given_is_seen() -> None:
    assert _breaches(CONSISTENT, replace(LEDGER, surprises=["GET /orders: 401"])) == ["GET /orders: 401"]


def test_a_card_that_was_charged_although_its_buyer_was_told_otherwise_is_seen() -> None:
    declined = replace(LEDGER, declined={"third"})

    assert "the payment of order third is succeeded, its buyer was told failed" in _breaches(CONSISTENT, declined)


def _breaches(seen: Snapshot, ledger: Ledger) -> list[str]:
    return [*rules.breaches(seen), *history.breaches(seen, ledger)]


def _changed(changes: dict[str, Any]) -> Snapshot:
    """What is right, but for what the paths of names lead to."""
    fields = deepcopy(vars(CONSISTENT))
    for path, value in changes.items():
        *steps, last = path.split(".")
        place: Any = fields
        for step in steps:
            place = place[int(step) if isinstance(place, list) else step]
        place[last] = value
    return Snapshot(**fields)
