"""A shop with little in it, little time and little patience: each page says so, and what to do next."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.person import Person
from tests.e2e.stack import running
from tests.storefront.shopper import ORDER, Shopper

pytestmark = pytest.mark.slow

WINDOW_SECONDS = 30


def test_an_order_that_expires_says_so_and_leads_back_to_the_ticket(browser: Browser, tmp_path: Path) -> None:
    with running(tmp_path, EXPIRATION_WINDOW_SECONDS=str(WINDOW_SECONDS), RESERVATIONS_PER_BUYER="1") as stack:
        buyer = Shopper(browser.new_context(locale="en-US"), stack.url)
        buyer.open_account()
        buyer.sees("No tickets are on sale right now.")
        seller = Person(stack.url)
        ticket, other = (f"/tickets/{seller.sell(title)}" for title in ("Gone in a moment", "One too many"))

        buyer.reserve(ticket)
        order, timer = buyer.path, buyer.page.get_by_role("timer")
        expect(timer).to_have_text(re.compile(r"0:[0-3]\d"))
        buyer.go(other)
        buyer.button("Reserve")
        buyer.is_told("You hold as many unpaid tickets as one person may.")

        buyer.go(order)
        expect(buyer.page.get_by_role("status").filter(has_text="Your time is over.")).to_be_visible()
        expect(timer).to_be_hidden()
        expect(buyer.page.get_by_role("button", name="Pay")).to_be_hidden()
        history = buyer.page.get_by_role("list", name="What happened").get_by_role("listitem")
        expect(history.last).to_contain_text("time ran out")
        buyer.link("Look at the ticket again")
        buyer.button("Reserve")
        expect(buyer.page).to_have_url(ORDER)
        assert buyer.problems == []
        buyer.context.close()
