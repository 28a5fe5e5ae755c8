"""Every page of the console with a running stack: what axe finds, by phone and by night, and breaking it on purpose."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from local import gateway, manifests
from tests.console.conftest import Open
from tests.e2e.person import Person
from tests.e2e.stack import Stack
from tests.storefront.axe import Axe

pytestmark = pytest.mark.slow

PHONE = {"width": 390, "height": 844}
IS_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def pages(stack: Stack, page: Page) -> Iterator[str]:
    """Show every page, one after the other; yield its path once it has its content."""
    person = Person(stack.url)
    order = person.reserve(person.sell("Seen by an operator"))
    for path, text in (
        ("/", "Seen by an operator"),
        ("/events?name=order.*", "order.created"),
        (f"/find?q={person.order(order)['userId']}", "Under way"),
        ("/find?q=nothing-of-it", "Nothing of"),
        ("/triggers", "payments-schedule-settlement"),
        ("/dead-letters", "There are none"),
        ("/map", "payments-schedule-settlement"),
        ("/functions", "expiration-schedule"),
        ("/storage", "ticketing_default_schedules"),
        ("/break", "orders-create"),
        ("/nowhere", "Page not found"),
    ):
        page.goto(stack.console_url + path)
        expect(page.get_by_text(text).filter(visible=True).first).to_be_visible()
        yield path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(stack: Stack, open_page: Open, node_modules: Path, scheme: str) -> None:
    page, axe = open_page(stack.console_url, color_scheme=scheme, bypass_csp=True), Axe(node_modules)
    assert {path: found for path in pages(stack, page) if (found := axe.violations(page))} == {}


def test_no_page_is_wider_than_a_phone(stack: Stack, open_page: Open) -> None:
    page = open_page(stack.console_url, viewport=PHONE)
    assert [path for path in pages(stack, page) if page.evaluate(IS_WIDER)] == []


def test_the_map_is_the_wiring(stack: Stack, open_page: Open) -> None:
    page = open_page(f"{stack.console_url}/map")
    nodes = page.locator("[data-node]")
    expect(nodes.last).to_be_visible()
    triggers = {f"triggers/{one['metadata']['name']}" for one in manifests.read() if one["kind"] == "Trigger"}
    routes = {f"routes/{route.function}" for route in gateway.routes()}
    outboxes = {f"outboxes/{service}" for service in ("orders", "payments", "tickets")}
    drawn = {one.get_attribute("data-node") for one in nodes.all()}
    assert drawn == triggers | routes | outboxes | {"gateway/Envoy", "log/log"}


def test_the_books_are_compared_at_a_button(stack: Stack, open_page: Open) -> None:
    page = open_page(f"{stack.console_url}/storage")
    page.get_by_role("button", name="Compare with the provider").click()
    expect(page.get_by_text(re.compile(r"differences \d"))).to_be_visible()


def test_a_process_is_killed_and_paused_while_people_shop(stack: Stack, open_page: Open) -> None:
    page = open_page(f"{stack.console_url}/break")
    page.get_by_role("button", name="Let people shop").click()
    row = page.get_by_role("row", name=re.compile("^orders-await-payment"))
    starts = int(row.get_by_role("cell").nth(2).inner_text())
    page.get_by_role("button", name="kill orders-await-payment").click()
    expect(row.get_by_role("cell").nth(2)).to_have_text(str(starts + 1))
    expect(row).to_contain_text("ready")
    page.get_by_role("button", name="pause orders-await-payment").click()
    expect(row).to_contain_text("paused")
    page.get_by_role("button", name="resume orders-await-payment").click()
    expect(row).to_contain_text("ready")
    page.get_by_role("button", name="slow", exact=True).click()
    expect(page.get_by_role("button", name="slow", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="normal").click()
    page.get_by_role("button", name="Send people home").click()
    expect(page.get_by_role("button", name="Let people shop")).to_be_visible()
    for name in ("Lost", "Oversold", "Charged twice"):
        expect(page.locator(".counter", has_text=name).locator("b")).to_have_text("0")
