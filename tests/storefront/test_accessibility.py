"""The shop can be used by all: by keyboard, with a screen reader, enlarged, on a phone, in the dark, without motion."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.storefront.axe import Axe
from tests.storefront.conftest import NewShopper
from tests.storefront.shopper import Shopper

PHONE = {"width": 320, "height": 640}
# What is left of 1280 by 1024 CSS pixels at 400 % (WCAG 1.4.10).
ENLARGED = {"width": 320, "height": 256}
IS_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"

TURN = "addEventListener('DOMContentLoaded', () => { document.documentElement.dir = '%s'; });"
# Pairs of texts and controls of which one covers part of the other: in the question if there is one, else in the page.
OVERLAPS = """() => {
  const place = document.querySelector('dialog[open]') ?? document.body;
  const shown = [...place.querySelectorAll('h1, h2, a:not(.skip), button, input, select, label, b, [role=timer]')]
    .filter((one) => one.checkVisibility());
  const covers = (a, b) => [...a.getClientRects()].some((x) => [...b.getClientRects()].some((y) =>
    Math.min(x.right, y.right) - Math.max(x.left, y.left) > 1 &&
    Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top) > 1));
  return shown.flatMap((a, i) => shown.slice(i + 1)
    .filter((b) => !a.contains(b) && !b.contains(a) && covers(a, b))
    .map((b) => [a.textContent || a.id, b.textContent || b.id]));
}"""


def states(person: Shopper, seller: Shopper) -> Iterator[tuple[str, Page]]:
    """Bring about every state that there is to see, one after the other; yield its name and the page that shows it."""
    ticket = seller.sell("Seen in every state")
    held = seller.sell("Held by someone")
    for name, path, text in (
        ("browse", "/?q=seen", "Seen in every state"),
        ("nothing found", "/?q=zzzz", "No ticket matches"),
        ("missing", "/nowhere", "Page not found"),
        ("ticket", ticket, "else can take it"),
        ("no tickets", "/my-tickets", "You do not sell a ticket."),
        ("no orders", "/orders", "You have not reserved a ticket yet."),
        ("sell", "/sell", "Offer ticket"),
    ):
        person.go(path)
        person.sees(text)
        yield name, person.page
    person.button("Offer ticket")
    person.is_told("Title is required")
    yield "refused", person.page
    person.reserve(held)
    person.sees("Card number")
    yield "checkout", person.page
    person.button("Cancel order")
    person.sees("Cancel this order?")
    yield "question", person.page
    person.page.get_by_role("dialog").get_by_role("button", name="Cancel order").click()
    person.sees("This order is cancelled.")
    yield "cancelled", person.page
    person.go("/orders")
    person.sees("Held by someone")
    yield "orders", person.page
    for name, path in (("own tickets", "/my-tickets"), ("own ticket", ticket)):
        seller.go(path)
        seller.sees("Seen in every state")
        yield name, seller.page


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(shopper: NewShopper, node_modules: Path, scheme: str) -> None:
    axe = Axe(node_modules)
    person = shopper(color_scheme=scheme, reduced_motion="reduce")
    visitor, seller = shopper(color_scheme=scheme), shopper(color_scheme=scheme)
    found = {}
    for path in ("/signin", "/signup"):
        visitor.go(path)
        visitor.sees("Password")
        found[path] = axe.violations(visitor.page)
    person.open_account()
    seller.open_account()
    found |= {name: axe.violations(page) for name, page in states(person, seller)}
    assert {name: broken for name, broken in found.items() if broken} == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "direction"),
    [(PHONE, "ltr"), (ENLARGED, "ltr"), (PHONE, "rtl")],
    ids=["phone", "enlarged", "right to left"],
)
def test_nothing_needs_scrolling_sideways_or_lies_over_another(
    shopper: NewShopper, size: dict[str, int], direction: str
) -> None:
    person, seller = shopper(viewport=size), shopper(viewport=size)
    for one in (person, seller):
        one.context.add_init_script(TURN % direction)
        one.open_account()
    seller.sell("A" * 120)  # one word that does not end
    found = {name: [page.evaluate(IS_WIDER), page.evaluate(OVERLAPS)] for name, page in states(person, seller)}
    person.go("/")
    person.sees("A" * 120)
    found["long word"] = [person.page.evaluate(IS_WIDER), person.page.evaluate(OVERLAPS)]
    assert person.page.evaluate("document.documentElement.dir") == direction
    assert {name: bad for name, bad in found.items() if bad != [False, []]} == {}


def test_a_ticket_is_bought_with_the_keyboard_alone(shopper: NewShopper) -> None:
    seller, buyer = shopper(), shopper()
    seller.open_account()
    ticket = seller.sell("By keyboard")
    buyer.open_account(after=ticket)
    press(buyer.page, "Reserve")
    expect(buyer.page.get_by_label("Card number")).to_be_visible()
    for label, value in (("Card number", "4242424242424242"), ("Expiry", "1240"), ("CVC", "123")):
        reach(buyer.page, label)
        buyer.page.keyboard.type("12/40" if label == "Expiry" else value)
    press(buyer.page, "Pay")
    buyer.sees("You have your ticket.")


def press(page: Page, name: str) -> None:
    expect(page.get_by_role("button", name=name, exact=True)).to_be_enabled()
    reach(page, name)
    page.keyboard.press("Enter")


def reach(page: Page, name: str) -> None:
    """Press Tab until what has that name is in focus, visibly."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()")
        if focused == name:
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"Tab does not lead to {name}")


def test_skipping_to_the_content_is_the_first_step(shopper: NewShopper) -> None:
    person = shopper()
    person.go("/")
    person.sees("Tickets")
    person.page.keyboard.press("Tab")
    expect(person.page.get_by_role("link", name="Skip to content")).to_be_focused()


def test_checkout_as_a_screen_reader_has_it(shopper: NewShopper) -> None:
    seller, buyer = shopper(), shopper()
    seller.open_account()
    buyer.open_account()
    buyer.reserve(seller.sell("For a screen reader"))
    buyer.sees("Card number")
    expect(buyer.page.get_by_role("main")).to_match_aria_snapshot("""
        - heading "Your order" [level=1]
        - paragraph: For a screen reader $20.00
        - status: /Reserved|Waiting for payment/
        - paragraph:
          - text: Time left to pay
          - timer "Time left to pay"
          - button "More time"
        - region "Your card":
          - paragraph: This shop runs with test cards. No money moves.
          - list
          - paragraph:
            - text: Card number
            - textbox "Card number"
          - paragraph:
            - text: Expiry
            - textbox "Expiry"
          - paragraph:
            - text: CVC
            - textbox "CVC"
          - button "Pay"
        - button "Cancel order"
        - heading "What happened" [level=2]
        - list "What happened"
    """)


def test_targets_are_large_enough(shopper: NewShopper) -> None:
    """24 CSS pixels at least (WCAG 2.5.8), but for links within a sentence."""
    person = shopper(viewport=PHONE)
    person.open_account()
    small = person.page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, nav a, .card')]
          .filter((target) => target.checkVisibility())
          .map((target) => [target.textContent, target.getBoundingClientRect()])
          .filter(([, box]) => box.width < 24 || box.height < 24).map(([text]) => text)"""
    )
    assert small == []


def test_german_is_spoken_to_who_reads_german(shopper: NewShopper) -> None:
    person = shopper()
    person.go("/")
    person.page.get_by_label("Language").select_option("de")
    expect(person.page.get_by_role("heading", name="Karten")).to_be_visible()
    expect(person.page.locator("html")).to_have_attribute("lang", "de")
    person.go("/signin")
    person.page.get_by_label("E-Mail").fill("x@example.com")
    person.page.get_by_label("Passwort").fill("falsch falsch")
    person.page.get_by_role("button", name="Anmelden").click()
    expect(person.page.get_by_role("alert")).to_have_text(re.compile("E-Mail oder Passwort stimmen nicht"))
