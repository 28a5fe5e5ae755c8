"""Dead letters in the console: grouped by cause, one replayed as a canary, then the others; purged after a question."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from nats.js.api import ConsumerConfig
from playwright.sync_api import expect

from events.broker.nats_binding import MessageInfo
from events.deadletters import DeadLetters, with_error
from events.runtime.publisher import Publisher
from tests.console.conftest import Open
from tests.console.env import TRIGGER, ConsoleEnv, event, new_id
from tests.eventually import eventually

TIMEOUT_SECONDS = 60
BUG, OUTAGE = b'{"errors":[{"message":"Division by zero"}]}', b""


@pytest.fixture
def letters(env: ConsoleEnv) -> Iterator[DeadLetters]:
    """Yield the dead letters of the Broker, none at first and in the end; their Trigger has a consumer."""
    names, jetstream = env.broker.stream_names, env.connection.jetstream()
    filters = [names.event("nothing"), names.replay(TRIGGER)]
    env.loop.run(jetstream.add_consumer(names.log, ConsumerConfig(durable_name=TRIGGER, filter_subjects=filters)))
    yield DeadLetters(Publisher(env.connection), jetstream, names)
    env.loop.run(jetstream.delete_consumer(names.log, TRIGGER))
    env.loop.run(jetstream.purge_stream(names.dead_letters))


def add(env: ConsoleEnv, letters: DeadLetters, body: bytes = BUG, code: int | None = 500) -> str:
    """Add a dead letter; return its order's id."""
    order = new_id()
    paid = event("payment.created", {"id": new_id(), "orderId": order, "amount": 20, "providerId": "pi_1"}, "payments")
    reason = "status 500" if code else "no response"
    env.loop.run(letters.add(TRIGGER, with_error(paid, "http://x", code, body), reason, MessageInfo(1, 3, 0.0)))
    return order


def listed(env: ConsoleEnv) -> dict[str, Any]:
    """Return what the page gets."""
    found: dict[str, Any] = requests.get(f"{env.url}/api/dead-letters", timeout=TIMEOUT_SECONDS).json()
    return found


def act(env: ConsoleEnv, **order: object) -> dict[str, Any]:
    """Order something to be done with dead letters."""
    response = requests.post(f"{env.url}/api/dead-letters", json=order, timeout=TIMEOUT_SECONDS)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def counts(env: ConsoleEnv) -> dict[str, int]:
    """Return how many dead letters there are by message."""
    return {group["message"]: group["count"] for group in listed(env)["groups"]}


def test_they_are_grouped_by_trigger_status_and_message(env: ConsoleEnv, letters: DeadLetters) -> None:
    order = add(env, letters)
    add(env, letters)
    add(env, letters, OUTAGE, None)

    groups = {(one["trigger"], one["status"], one["message"]): one for one in listed(env)["groups"]}

    assert {key: one["count"] for key, one in groups.items()} == {
        (TRIGGER, "500", "Division by zero"): 2,
        (TRIGGER, "", "no response"): 1,
    }
    first = groups[TRIGGER, "500", "Division by zero"]["letters"][0]
    assert (first["order"], first["name"], first["attempts"]) == (order, "payment.created", 3)


def test_a_dry_run_counts_a_canary_is_one_and_the_others_follow(env: ConsoleEnv, letters: DeadLetters) -> None:
    for _ in range(4):
        add(env, letters)
    add(env, letters, OUTAGE, None)
    which = {"trigger": TRIGGER, "status": "500", "message": "Division by zero"}

    assert act(env, action="replay", dryRun=True, **which)["count"] == 4
    assert counts(env)["Division by zero"] == 4
    act(env, action="replay", first=True, **which)
    eventually(lambda: counts(env)["Division by zero"] == 3)
    act(env, action="replay", rate=1000, **which)
    eventually(lambda: counts(env) == {"no response": 1})
    eventually(lambda: listed(env)["batch"]["done"] == 3 and not listed(env)["batch"]["running"])


def test_only_those_since_a_time_are_taken(env: ConsoleEnv, letters: DeadLetters) -> None:
    add(env, letters)
    since = datetime.now(UTC).isoformat()
    add(env, letters)

    assert act(env, action="purge", since=since)["count"] == 1
    eventually(lambda: counts(env) == {"Division by zero": 1})


def test_what_cannot_be_replayed_is_kept_and_the_page_is_told(env: ConsoleEnv, letters: DeadLetters) -> None:
    add(env, letters)
    jetstream, names = env.connection.jetstream(), env.broker.stream_names
    env.loop.run(jetstream.delete_consumer(names.log, TRIGGER))
    try:
        act(env, action="replay")
        eventually(lambda: "has no Trigger" in (listed(env)["batch"] or {}).get("error", ""))
        assert counts(env) == {"Division by zero": 1}
    finally:
        env.loop.run(jetstream.add_consumer(names.log, ConsumerConfig(durable_name=TRIGGER)))


def test_a_mistake_in_an_order_changes_nothing(env: ConsoleEnv, letters: DeadLetters) -> None:
    add(env, letters)
    for order in ({"action": "forget"}, {"action": "purge", "rate": 0}, {"action": "purge", "triggr": TRIGGER}):
        response = requests.post(f"{env.url}/api/dead-letters", json=order, timeout=TIMEOUT_SECONDS)
        assert (response.status_code, list(response.json())) == (400, ["errors"])
    headers = {"Origin": "http://evil"}
    foreign = requests.post(
        f"{env.url}/api/dead-letters", json={"action": "purge"}, headers=headers, timeout=TIMEOUT_SECONDS
    )
    assert foreign.status_code == 403
    assert counts(env) == {"Division by zero": 1}


def test_a_person_purges_after_a_question(env: ConsoleEnv, letters: DeadLetters, open_page: Open) -> None:
    add(env, letters)
    add(env, letters)
    page = open_page(f"{env.url}/dead-letters")
    purge = page.get_by_role("button", name=f"Purge: {TRIGGER}, Division by zero")
    purge.click()
    question = page.get_by_role("dialog", name="Purge 2 dead letters?")
    question.get_by_role("button", name="Leave them").click()
    expect(question).to_have_count(0)
    assert counts(env) == {"Division by zero": 2}
    purge.click()
    page.get_by_role("dialog").get_by_role("button", name="Purge").click()
    expect(page.get_by_text("There are none")).to_be_visible()
    assert counts(env) == {}
