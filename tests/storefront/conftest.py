"""A browser, and people who use it."""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.stack import Stack
from tests.eventually import PATIENCE_SECONDS
from tests.storefront import chromium
from tests.storefront.shopper import Shopper

NewShopper = Callable[..., Shopper]

expect.set_options(timeout=PATIENCE_SECONDS * 1_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield a browser for the tests of a module; CI must have one.

    No longer: while Playwright runs, this thread has a running event loop, which other tests may not find.
    """
    if (executable := chromium.path()) is None:
        message = "left out: there is no Chrome or Chromium here, and none could be installed; set BROWSER_PATH"
        assert not os.environ.get("CI"), message
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=chromium.ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def shopper(browser: Browser, stack: Stack) -> Iterator[NewShopper]:
    """Make people with a browser context each; keyword arguments are those of `browser.new_context`."""
    made: list[Shopper] = []

    def new(**options: object) -> Shopper:
        context = browser.new_context(locale="en-US", **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_SECONDS * 1_000)
        made.append(Shopper(context, stack.url))
        return made[-1]

    yield new
    for person in made:
        person.context.close()
    assert [problem for person in made for problem in person.problems] == []
