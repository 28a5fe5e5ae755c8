"""The shop in trouble: offline, slow, killed, hostile. It says what is the matter, and goes on by itself."""

import time

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.stack import Stack
from tests.storefront.conftest import NewShopper

HOSTILE = "<img src=x onerror=alert(1)> <script>alert(2)</script> \u202egnp.exe ' \" &amp;"


def test_a_hostile_title_stays_text(shopper: NewShopper) -> None:
    seller, visitor = shopper(), shopper()
    for person in (seller, visitor):
        person.page.on("dialog", lambda dialog: seller.problems.append(dialog.message))
    seller.open_account()
    ticket = seller.sell(HOSTILE)
    for path in ("/", ticket):
        visitor.go(path)
        visitor.sees("<script>alert(2)</script>")
    assert visitor.page.locator("main img, main script").count() == 0


def test_nothing_is_asked_of_third_parties_before_checkout(shopper: NewShopper) -> None:
    person = shopper()
    asked: list[str] = []
    person.page.on("request", lambda request: asked.append(request.url))
    person.sign_up()
    for path in ("/", "/sell", "/orders", "/my-tickets"):
        person.go(path)
        expect(person.page.get_by_role("heading", level=1)).to_be_visible()
    assert [url for url in asked if not url.startswith(person.url)] == []


def test_no_token_is_within_reach_of_scripts(shopper: NewShopper) -> None:
    person = shopper()
    person.sign_up()
    assert person.page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    assert [cookie["httpOnly"] for cookie in person.context.cookies()] == [True]


def test_being_offline_is_told_and_ends_by_itself(shopper: NewShopper) -> None:
    seller, visitor = shopper(), shopper()
    seller.open_account()
    ticket = seller.sell("Offline", "20")
    visitor.go(ticket)
    visitor.sees("$20.00")
    visitor.context.set_offline(True)
    visitor.sees("You are offline.")
    seller.link("Edit")
    seller.fill(Price="30")
    seller.button("Save changes")
    seller.sees("$30.00")
    visitor.context.set_offline(False)
    visitor.sees("$30.00")
    expect(visitor.page.get_by_text("You are offline.")).to_be_hidden()


def test_what_is_sent_while_offline_can_be_sent_again(shopper: NewShopper) -> None:
    seller = shopper()
    seller.open_account()
    seller.go("/sell")
    seller.fill(Title="Sent twice", Price="20")
    seller.context.set_offline(True)
    seller.button("Offer ticket")
    seller.is_told("The shop could not be reached.")
    seller.context.set_offline(False)
    seller.button("Offer ticket")
    seller.sees("You sell this ticket.")


def test_an_answer_that_was_lost_creates_nothing_twice(shopper: NewShopper) -> None:
    """The request got through, its response did not: the same key replays it."""
    seller = shopper()
    seller.open_account()
    seller.go("/sell")
    seller.fill(Title="Only once", Price="20")
    lost = []

    def lose_first(route: Route) -> None:
        route.fetch()
        lost.append(route)
        route.abort()

    seller.page.route("**/api/tickets", lose_first, times=1)
    seller.button("Offer ticket")
    seller.is_told("The shop could not be reached.")
    assert lost
    seller.button("Offer ticket")
    seller.sees("You sell this ticket.")
    seller.go("/my-tickets")
    expect(seller.page.get_by_role("listitem").filter(has_text="Only once")).to_have_count(1)


def test_a_slow_shop_says_that_it_wakes_up(shopper: NewShopper) -> None:
    visitor = shopper()

    def answer_late(route: Route) -> None:
        time.sleep(3)
        route.continue_()

    visitor.page.route("**/api/users/currentuser", answer_late)
    visitor.page.goto(visitor.url + "/", wait_until="commit")
    visitor.sees("The shop is waking up.")
    expect(visitor.page.get_by_role("heading", name="Tickets")).to_be_visible()
    expect(visitor.page.get_by_text("waking up")).to_be_hidden()


@pytest.mark.parametrize("function", ["tickets-show", "tickets-list", "storefront-serve"])
def test_a_killed_function_is_not_noticed_for_long(shopper: NewShopper, stack: Stack, function: str) -> None:
    seller, visitor = shopper(), shopper()
    seller.open_account()
    ticket = seller.sell(f"Outlives {function}")
    stack.kill(function)
    visitor.go("/" if function == "tickets-list" else ticket)
    visitor.sees(f"Outlives {function}")


def test_a_fault_is_told_without_its_inside(shopper: NewShopper) -> None:
    seller = shopper()
    seller.open_account()
    seller.go("/sell")
    seller.fill(Title="Fault", Price="20")
    seller.page.route(
        "**/api/tickets",
        lambda route: route.fulfill(status=500, json={"errors": [{"message": "Something went wrong"}]}),
    )
    seller.button("Offer ticket")
    seller.is_told("The shop has a problem.")


def test_a_page_that_is_not_there_says_so_with_404(shopper: NewShopper) -> None:
    visitor = shopper()
    response = visitor.page.goto(visitor.url + "/nowhere")
    assert response is not None
    assert (response.status, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    visitor.link("See all tickets")
    expect(visitor.page.get_by_role("heading", name="Tickets")).to_be_visible()


def test_signing_in_leads_to_no_other_site(shopper: NewShopper) -> None:
    person = shopper()
    person.open_account()
    person.go("/signin?next=/.//elsewhere.example/x")
    person.sees("Page not found")
    assert person.page.url.startswith(person.url)


def test_a_price_that_is_not_one_is_told_in_place(shopper: NewShopper) -> None:
    visitor = shopper()
    visitor.go("/")
    visitor.fill(Price_from="cheap")
    visitor.is_told("Price must be an amount in dollars")
    visitor.fill(Price_from="1.")
    expect(visitor.page.get_by_role("alert").filter(has_text="amount")).to_have_count(0)
