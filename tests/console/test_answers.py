"""Someone who sees the console for the first time finds out why an order was cancelled, or is not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Page, expect

from local import client
from local.control import Request
from tests.console.conftest import Open
from tests.e2e.person import DECLINED_CARD, Person
from tests.e2e.stack import Stack, running
from tests.eventually import eventually

pytestmark = pytest.mark.slow

Ask = Callable[[str], Page]
HoldBack = Callable[[str], AbstractContextManager[Iterator[bytes]]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield a stack in which a reservation lasts some seconds."""
    folder = tmp_path_factory.mktemp("answers")
    with running(folder, EXPIRATION_WINDOW_SECONDS="15", SETTLEMENT_DELAY_SECONDS="1") as started:
        yield started


@pytest.fixture
def ask(shop: Stack, open_page: Open) -> Ask:
    """Return a function that opens the console, searches by an id, and returns the page."""

    def search(term: str) -> Page:
        page = open_page(shop.console_url)
        expect(page.get_by_role("heading", name="What happened to this order?")).to_be_visible()
        page.keyboard.press("/")
        page.keyboard.type(term)
        page.keyboard.press("Enter")
        return page

    return search


@pytest.fixture
def hold_back(shop: Stack, monkeypatch: pytest.MonkeyPatch) -> HoldBack:
    """Return a function that stops one of the stack's functions until the end of a block."""
    monkeypatch.setenv("LOCAL_STATE", str(shop.state))
    return lambda function: client.asking(Request("place", function))


def sees(page: Page, *texts: str) -> None:
    """Wait until the answer, at the top of the page, says this."""
    for text in texts:
        expect(page.get_by_label("What became of it")).to_contain_text(text)


def await_status(person: Person, order: str, status: str) -> None:
    """Wait until an order has a status."""
    eventually(lambda: person.order(order)["status"] == status)


def test_it_expired(shop: Stack, ask: Ask) -> None:
    person = Person(shop.url)
    order = person.reserve(person.sell())
    await_status(person, order, "cancelled")
    sees(ask(order), "Cancelled: it was not paid in time.", "Its time to pay ended at", "No money was taken.")


def test_its_card_was_declined(shop: Stack, ask: Ask) -> None:
    person = Person(shop.url)
    ticket = person.sell()
    order = person.reserve(ticket)
    person.pay(order, DECLINED_CARD)
    await_status(person, order, "cancelled")
    sees(ask(ticket), "Cancelled: its payment failed.", "Your card was declined.", "No money was taken.")


def test_it_was_charged_too_late_and_refunded(shop: Stack, ask: Ask) -> None:
    person = Person(shop.url)
    order = person.reserve(person.sell())
    shop.provider.behave(operations=["confirm", "show", "cancel"], fail="after", webhooks="never")
    assert person.pay(order).status_code == 409
    await_status(person, order, "cancelled")
    shop.provider.behave()
    page = ask(order)
    sees(
        page, "and 20.00 USD were refunded", "The charge came when the order was cancelled already", "They went back at"
    )


def test_its_ticket_was_deleted(shop: Stack, ask: Ask, hold_back: HoldBack) -> None:
    seller, buyer = Person(shop.url), Person(shop.url)
    ticket = seller.sell()
    with hold_back("tickets-replicate-order") as lines:
        client.read_place(lines)
        order = buyer.reserve(ticket)
        assert seller.api("DELETE", f"/tickets/{ticket}").status_code == 204
    await_status(buyer, order, "cancelled")
    page = ask(order)
    sees(page, "Cancelled: its ticket had been deleted.", "The seller was faster than the order.")
    expect(page.get_by_role("paragraph").filter(has_text="The seller deleted the ticket.")).to_be_visible()


def test_it_is_stuck_in_a_broken_function(shop: Stack, ask: Ask, hold_back: HoldBack) -> None:
    person = Person(shop.url)
    order = person.reserve(person.sell())
    with hold_back("orders-complete") as lines:
        client.read_place(lines)
        assert person.pay(order).status_code == 201
        page = ask(order)
        sees(
            page, "Stuck: orders-complete does not accept payment.created.", "Mend or restart orders-complete.", "Why:"
        )
    sees(page, "Complete: it was paid, and the ticket is sold.")  # the page goes on by itself
