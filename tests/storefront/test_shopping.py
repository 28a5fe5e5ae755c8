"""Two people, one ticket: sold, found, reserved, paid. And what happens when it goes another way."""

import re

import pytest
from bson import ObjectId
from playwright.sync_api import expect
from pymongo import MongoClient

from tests.e2e.stack import Stack
from tests.eventually import eventually
from tests.storefront.conftest import NewShopper
from tests.storefront.shopper import DECLINED, SECURE, Shopper


@pytest.fixture
def seller(shopper: NewShopper) -> Shopper:
    person = shopper()
    person.open_account()
    return person


@pytest.fixture
def buyer(shopper: NewShopper) -> Shopper:
    person = shopper()
    person.open_account()
    return person


def test_a_ticket_is_sold_found_reserved_and_paid(shopper: NewShopper) -> None:
    seller, buyer = shopper(), shopper()
    seller.sign_up()
    buyer.sign_up()
    seller.sell("Moonlight Sonata in the old harbour", "45.50")
    seller.sees("You sell this ticket.")

    buyer.go("/")
    buyer.fill(Search="sonata moon")
    buyer.page.get_by_role("link", name=re.compile("Moonlight Sonata.*45.50")).click()
    buyer.sees("else can take it")
    buyer.button("Reserve")
    expect(buyer.page.get_by_role("timer")).to_have_text(re.compile(r"1[45]:\d\d"))
    buyer.pay()
    buyer.sees("You have your ticket.")
    history = buyer.page.get_by_role("list", name="What happened").get_by_role("listitem")
    expect(history.first).to_contain_text("Reserved")
    expect(history.last).to_contain_text("Paid")

    buyer.link("My orders")
    expect(buyer.page.get_by_role("listitem").filter(has_text="Moonlight")).to_contain_text("Paid")
    seller.link("My tickets")
    expect(seller.page.get_by_role("listitem").filter(has_text="Moonlight")).to_contain_text("Sold")


def test_a_declined_card_can_be_followed_by_another(seller: Shopper, buyer: Shopper) -> None:
    buyer.reserve(seller.sell("Declined first"))
    buyer.pay(DECLINED)
    buyer.is_told("You were not charged.")
    buyer.pay()
    buyer.sees("You have your ticket.")


def test_a_card_that_asks_for_confirmation_is_confirmed(seller: Shopper, buyer: Shopper) -> None:
    buyer.reserve(seller.sell("3-D Secure"))
    buyer.pay(SECURE)
    buyer.page.frame_locator("iframe[title='3-D Secure test page']").get_by_role("button", name="Approve").click()
    buyer.sees("You have your ticket.")


def test_a_confirmation_that_is_refused_can_be_followed_by_another_card(seller: Shopper, buyer: Shopper) -> None:
    buyer.reserve(seller.sell("Refused first"))
    buyer.pay(SECURE)
    buyer.page.frame_locator("iframe[title='3-D Secure test page']").get_by_role("button", name="Refuse").click()
    buyer.is_told("You were not charged.")
    buyer.pay()
    buyer.sees("You have your ticket.")


def test_an_order_that_is_cancelled_goes_back_on_sale(seller: Shopper, buyer: Shopper, shopper: NewShopper) -> None:
    ticket = seller.sell("Given up")
    buyer.reserve(ticket)
    watcher = shopper()
    watcher.go(ticket)
    watcher.sees("Someone is buying this ticket, or has bought it.")
    seller.link("My tickets")
    expect(seller.page.get_by_role("listitem").filter(has_text="Given up")).to_contain_text("Someone is buying it")
    buyer.button("Cancel order")
    dialog = buyer.page.get_by_role("dialog", name="Cancel this order?")
    dialog.get_by_role("button", name="Keep my order").click()
    expect(dialog).to_be_hidden()
    buyer.button("Cancel order")
    dialog.get_by_role("button", name="Cancel order").click()
    buyer.sees("This order is cancelled.")
    watcher.sees("This ticket is on sale again.")


def test_more_time_is_given(seller: Shopper, buyer: Shopper) -> None:
    """A third of the window is less than a new order has, so nothing is lost by asking early."""
    buyer.reserve(seller.sell("Slow reader"))
    buyer.button("More time")
    buyer.sees("You have more time: until")


def test_losing_a_race_is_a_sentence_and_a_next_step(seller: Shopper, buyer: Shopper, shopper: NewShopper) -> None:
    ticket = seller.sell("The last one")
    late = shopper()
    late.open_account(after=ticket)
    late.sees("else can take it")
    late.page.route("**/api/tickets/*", lambda route: route.abort())  # it hears of nothing from now on
    buyer.reserve(ticket)
    late.button("Reserve")
    late.is_told("Someone was faster")
    expect(late.page.get_by_role("link", name="See other tickets")).to_be_visible()


def test_a_buyer_pays_no_other_price_than_the_one_seen(seller: Shopper, shopper: NewShopper, stack: Stack) -> None:
    ticket = seller.sell("Price rises", "20")
    buyer = shopper()
    buyer.open_account(after=ticket)
    buyer.sees("$20.00")
    keep_showing_the_old_state_until_it_is_reserved(buyer)
    seller.link("Edit")
    seller.fill(Price="25")
    seller.button("Save changes")
    seller.sees("$25.00")
    await_replica_in_orders(stack, ticket.rpartition("/")[2], 2500)
    buyer.button("Reserve")
    buyer.is_told("from $20.00 to $25.00")
    buyer.button("Reserve")
    buyer.sees("Your order")
    buyer.sees("$25.00")


def keep_showing_the_old_state_until_it_is_reserved(buyer: Shopper) -> None:
    shown = buyer.page.request.get(f"{buyer.url}/api{buyer.path}").json()
    has_reserved = []
    buyer.page.on("request", lambda request: has_reserved.append(request) if request.method == "POST" else None)
    buyer.page.route("**/api/tickets/*", lambda route: route.continue_() if has_reserved else route.fulfill(json=shown))


def await_replica_in_orders(stack: Stack, ticket_id: str, price: int) -> None:
    with MongoClient[dict[str, object]](stack.mongo_uri("orders-create")) as client:
        tickets = client.get_default_database()["tickets"]
        eventually(lambda: tickets.count_documents({"_id": ObjectId(ticket_id), "priceCents": price}))


def test_who_is_not_signed_in_comes_back_after_signing_in(seller: Shopper, shopper: NewShopper) -> None:
    ticket = seller.sell("Not signed in")
    visitor = shopper()
    visitor.go(ticket)
    visitor.button("Reserve")
    visitor.sees("You come back to where you were.")
    visitor.link("No account yet? Create one")
    visitor.fill(Email="comes-back@example.com", Password="open sesame")
    visitor.button("Sign up")
    expect(visitor.page).to_have_url(visitor.url + ticket)


def test_a_ticket_is_edited_and_taken_back(seller: Shopper, shopper: NewShopper) -> None:
    ticket = seller.sell("Befor", "20")
    seller.link("Edit")
    seller.fill(Title="After")
    seller.button("Save changes")
    seller.sees("After")
    seller.button("Take back")
    seller.page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(seller.page).to_have_url(f"{seller.url}/my-tickets")
    visitor = shopper()
    visitor.go(ticket)
    visitor.sees("Page not found")


@pytest.mark.parametrize(
    ("page", "fields", "button", "problem"),
    [
        ("/signup", {"Email": "no email", "Password": "open sesame"}, "Sign up", "Email must be valid"),
        ("/signup", {"Email": "a@example.com", "Password": "short"}, "Sign up", "between 8 and 128 characters"),
        ("/signin", {"Email": "stranger@example.com", "Password": "wrong"}, "Sign in", "Invalid credentials"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    shopper: NewShopper, page: str, fields: dict[str, str], button: str, problem: str
) -> None:
    person = shopper()
    person.go(page)
    person.fill(**fields)
    person.button(button)
    person.is_told(problem)


def test_signing_out_ends_the_session(seller: Shopper) -> None:
    seller.button("Sign out")
    expect(seller.page.get_by_role("link", name="Sign in")).to_be_visible()
    seller.go("/orders")
    seller.sees("Sign in to go on.")
