"""`make pictures`: take the pictures that the pages show, of the shop as it is now."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.person import Person
from tests.e2e.stack import ROOT, running
from tests.storefront import chromium
from tests.storefront.shopper import Shopper

FOLDER = ROOT / "docs" / "pictures"
TICKETS = [
    ("Opening night, City Hall", 45),
    ("Jazz in the old harbour", "22.50"),
    ("Chamber concert by candlelight", 30),
    ("Derby, main stand", 60),
    ("Poetry slam in the cellar", 8),
    ("Moonlight cinema", 12),
]


def main() -> None:
    """Start a stack, fill the shop, and take a picture of the list and of the checkout."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack, sync_playwright() as playwright:
        seller = Person(stack.url)
        tickets = [seller.sell(title, price) for title, price in TICKETS]
        browser = playwright.chromium.launch(executable_path=chromium.path(), args=chromium.ARGUMENTS)
        buyer = _shopper(browser, stack.url, 960, 560)
        buyer.sign_up()
        buyer.sees("6 tickets")
        buyer.page.screenshot(path=FOLDER / "tickets.png")
        phone = _shopper(browser, stack.url, 390, 780)
        phone.sign_up()
        phone.reserve(f"/tickets/{tickets[0]}")
        phone.enter_card("4242 4242 4242 4242")
        phone.page.evaluate("() => document.activeElement.blur()")
        phone.page.screenshot(path=FOLDER / "checkout.png")
        browser.close()


def _shopper(browser: Browser, url: str, width: int, height: int) -> Shopper:
    context = browser.new_context(locale="en-US", viewport={"width": width, "height": height})
    return Shopper(context, url)


if __name__ == "__main__":
    main()
