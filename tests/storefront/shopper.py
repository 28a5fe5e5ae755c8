"""A user of the shop in a browser, who finds things by role and name as people do."""

import re
import secrets
from http import HTTPStatus

from playwright.sync_api import BrowserContext, Error, Page, expect

from tests.e2e.person import PASSWORD

ORDER = re.compile(r"/orders/[0-9a-f]{24}$")
TICKET = re.compile(r"/tickets/[0-9a-f]{24}$")
GOOD, DECLINED, SECURE = "4242 4242 4242 4242", "4000 0000 0000 0002", "4000 0027 6000 3184"


class Shopper:
    """One person with a browser context of their own. `problems` are errors of scripts and refused resources."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.context = context
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self.page.on("pageerror", self._note_error)
        self.page.on("console", lambda line: self._note(line.text) if line.type == "error" else None)

    def _note_error(self, error: Error) -> None:
        """A view transition that is cut short by the next page rejects a promise that is the browser's own."""
        if not str(error).startswith("Transition was"):
            self.problems.append(str(error))

    def _note(self, text: str) -> None:
        if "Content Security Policy" in text or "Trusted" in text:
            self.problems.append(text)

    def go(self, path: str) -> None:
        """Open a page of the shop."""
        self.page.goto(self.url + path)

    def button(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def link(self, name: str) -> None:
        """Follow a link."""
        self.page.get_by_role("link", name=name, exact=True).click()

    def fill(self, **fields: str) -> None:
        """Fill in fields by their labels; `_` stands for a space."""
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(value)

    def sign_up(self, *, after: str = "/") -> None:
        """Open an account in the page for it, and come back to a page."""
        self.go(f"/signup?next={after}")
        self.fill(Email=_email(), Password=PASSWORD)
        self.button("Sign up")
        expect(self.page).to_have_url(self.url + after)

    def open_account(self, *, after: str = "/") -> None:
        """Open an account by a request, which takes less time, and go to a page."""
        account = {"email": _email(), "password": PASSWORD}
        response = self.context.request.post(f"{self.url}/api/users/signup", data=account)
        assert response.status == HTTPStatus.CREATED, response.text()
        self.go(after)

    def sell(self, title: str, price: str = "20") -> str:
        """Offer a ticket; return its path."""
        self.go("/sell")
        self.fill(Title=title, Price=price)
        self.button("Offer ticket")
        expect(self.page).to_have_url(TICKET)
        self.sees(title)
        return self.path

    def reserve(self, ticket: str) -> str:
        """Reserve a ticket; return the order's path."""
        self.go(ticket)
        self.button("Reserve")
        expect(self.page).to_have_url(ORDER)
        return self.path

    def enter_card(self, number: str) -> None:
        """Fill in the provider's card form."""
        self.page.get_by_label("Card number").fill(number)
        self.page.get_by_label("Expiry").fill("12 / 40")
        self.page.get_by_label("CVC").fill("123")

    def pay(self, number: str = GOOD) -> None:
        """Pay with a card."""
        self.enter_card(number)
        self.button("Pay")

    def sees(self, text: str) -> None:
        """Wait until a text is shown."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def is_told(self, text: str) -> None:
        """Wait until an alert says so."""
        expect(self.page.get_by_role("alert").filter(has_text=text)).to_be_visible()

    @property
    def path(self) -> str:
        """Where the person is."""
        return self.page.url.removeprefix(self.url)


def _email() -> str:
    return f"{secrets.token_hex(8)}@example.com"
