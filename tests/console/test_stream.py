"""The stream of events: resumption, filters, many at once, and data of other people that stays text."""

import json
import re

import requests
from playwright.sync_api import expect

from tests.console.conftest import Open
from tests.console.env import ConsoleEnv, event, new_id, order
from tests.eventually import eventually

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
BURST, BURSTS = 500, 6
PATIENCE_SECONDS = 60


def read(env: ConsoleEnv, last: str | None, until: str, **query: str) -> list[dict[str, object]]:
    """Return the records that the console sends after a position, up to the one with this id."""
    headers = {"Last-Event-ID": last} if last else {}
    url, found = f"{env.url}/api/events", []
    with requests.get(url, query, headers=headers, stream=True, timeout=PATIENCE_SECONDS) as response:
        for line in response.iter_lines(decode_unicode=True):
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
                if found[-1]["id"] == until:
                    return found
    raise AssertionError(found)


def test_a_reader_resumes_behind_the_last_event_that_it_has_seen(env: ConsoleEnv) -> None:
    sent = [event("order.created", order(new_id())) for _ in range(3)]
    env.store(*sent)
    ids = [one["id"] for one in sent]
    first = read(env, None, ids[0])[-1]
    later = read(env, str(first["sequence"]), ids[2])
    assert [one["id"] for one in later] == ids[1:]


def test_filters_are_by_type_order_buyer_and_trace(env: ConsoleEnv) -> None:
    mine, other = new_id(), new_id()
    created = event("order.created", order(mine))
    paid = event("payment.created", {"id": new_id(), "orderId": mine, "amount": 20, "providerId": "pi_1"}, "payments")
    env.store(created, event("order.created", {**order(other), "userId": "d" * 24}), paid)
    trace = (created.get("traceparent") or "").split("-")[1]
    for query, expected in (
        ({"name": "payment.created"}, paid),
        ({"name": "payment.*"}, paid),
        ({"order": mine, "name": "payment.*"}, paid),
        ({"buyer": "b" * 24}, paid),  # which says nothing of its buyer
        ({"trace": trace}, created),
    ):
        found = read(env, None, expected["id"], **query)
        assert all(one["order"] == mine for one in found if one["buyer"] != "b" * 24), query


def test_data_of_an_event_stays_text(env: ConsoleEnv, open_page: Open) -> None:
    env.store(event("order.created", order(hostile := new_id(), title=HOSTILE)))
    page = open_page(f"{env.url}/orders/{hostile}")
    expect(page.get_by_role("listitem").get_by_text(f"A buyer reserved “{HOSTILE}”")).to_be_visible()
    page.goto(f"{env.url}/events?order={hostile}")
    page.get_by_text("Data", exact=True).first.click()
    expect(page.locator("pre", has_text="onerror")).to_be_visible()
    assert page.locator("img, main script").count() == 0


def test_a_burst_of_events_does_not_freeze_the_page(env: ConsoleEnv, open_page: Open) -> None:
    page = open_page(f"{env.url}/events")
    expect(page.get_by_role("status")).to_have_text(re.compile("Connected|since"))
    page.evaluate(
        "() => (function count() { window.painted = (window.painted ?? 0) + 1; requestAnimationFrame(count); })()"
    )
    for _ in range(BURSTS):
        env.store(*(event("load.tested", {"id": new_id()}) for _ in range(BURST)))
    last = event("load.ended", {"id": new_id()})
    env.store(last)
    expect(page.get_by_text("load.ended").first).to_be_visible()
    painted = page.evaluate("window.painted")
    assert painted > BURSTS, painted  # between the first and the last it went on painting
    assert page.locator(".stream > li").count() <= 300


def test_a_console_that_is_killed_leaves_nothing_in_the_log(env: ConsoleEnv) -> None:
    names, jetstream = env.broker.stream_names, env.connection.jetstream()
    env.store(ended := event("order.created", order(new_id())))
    read(env, None, ended["id"])

    def consumers() -> int:
        return len(env.loop.run(jetstream.consumers_info(names.log)))

    eventually(lambda: consumers() == 0)  # each reader deletes its own, and NATS those of a killed console
