"""What the console shows of Triggers and streams, and how it counts what may never happen."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from nats.js.api import ConsumerConfig

from events.console.guarantees import Guarantees, Ledger
from tests.console.env import TRIGGER, ConsoleEnv, event, new_id, order

TIMEOUT_SECONDS = 60
SOON = datetime(2026, 1, 31, 10, tzinfo=UTC)
LATER = SOON + timedelta(minutes=2)


def state(env: ConsoleEnv) -> dict[str, Any]:
    """Return the first state that the console sends."""
    with requests.get(f"{env.url}/api/state", stream=True, timeout=TIMEOUT_SECONDS) as response:
        line = next(line for line in response.iter_lines(decode_unicode=True) if line.startswith("data: "))
        found: dict[str, Any] = json.loads(line.removeprefix("data: "))
        return found


def test_a_trigger_has_its_backlog_and_the_log_its_fill(env: ConsoleEnv) -> None:
    names, jetstream = env.broker.stream_names, env.connection.jetstream()
    filters = [names.event("dev.ticketing.payment.created")]
    env.loop.run(jetstream.add_consumer(names.log, ConsumerConfig(durable_name=TRIGGER, filter_subjects=filters)))
    before = state(env)["triggers"][0]["backlog"]
    env.store(*(event("payment.created", {"id": new_id(), "orderId": new_id()}, "payments") for _ in range(3)))

    found: dict[str, Any] = {}
    while found.get("backlog") != before + 3:  # the console asks NATS every other second
        found = state(env)["triggers"][0]

    assert (found["name"], found["types"], found["concurrency"]) == (TRIGGER, ["payment.created"], 16)
    assert found["oldest"] > 0
    log = state(env)["log"]
    assert 0 < log["bytes"] < log["maxBytes"]
    env.loop.run(jetstream.delete_consumer(names.log, TRIGGER))


def figures(*events: tuple[str, dict[str, Any]], at: datetime = SOON) -> Guarantees:
    """Count after these events, at a time."""
    ledger = Ledger()
    for name, data in events:
        ledger.enter(name, data, SOON)
    return ledger.figures(at)


def created(order_id: str = "a" * 24, **more: object) -> tuple[str, dict[str, Any]]:
    """Return an event of an order, as entered."""
    return "order.created", {**order(order_id), "expiresAt": LATER.isoformat(), **more}


def test_nothing_is_broken_by_an_order_that_is_sold() -> None:
    charge = ("payment.created", {"orderId": "a" * 24, "providerId": "pi_1"})
    sold = created(version=1, status="complete")
    found = figures(created(), sold, charge, charge, at=LATER + timedelta(hours=1))
    assert found == Guarantees(1, 1, 0, 0, 0, 0, 0)


def test_two_live_orders_of_a_ticket_are_oversold() -> None:
    assert figures(created("a" * 24), created("b" * 24)).oversold == 1
    assert figures(created("a" * 24), created("b" * 24, status="cancelled")).oversold == 0


def test_a_version_that_does_not_come_is_lost() -> None:
    assert figures(created(), created(version=2), at=LATER).lost == 1
    assert figures(created(), created(version=2), created(version=1), at=LATER).lost == 0


def test_an_unpaid_order_a_minute_after_its_time_is_stuck() -> None:
    assert figures(created(), at=LATER + timedelta(seconds=61)).stuck == 1
    assert figures(created(), at=LATER + timedelta(seconds=59)).stuck == 0


def test_two_charges_of_an_order_are_seen() -> None:
    charges = [("payment.created", {"orderId": "a" * 24, "providerId": one}) for one in ("pi_1", "pi_2")]
    assert figures(created(), *charges).charged_twice == 1
