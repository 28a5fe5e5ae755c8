"""A console over a Broker without functions, and a browser for it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.console.env import ConsoleEnv
from tests.eventually import PATIENCE_SECONDS
from tests.storefront.conftest import browser  # noqa: F401 the fixture

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def env(nats_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleEnv]:
    """Yield a console with a Broker of its own, which no function receives events from."""
    with ConsoleEnv.started(nats_url, tmp_path_factory.mktemp("console")) as started:
        yield started


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:  # noqa: F811 the fixture
    """Open an address in a context of its own. Errors of scripts, and what the policy forbids, fail the test."""
    contexts, problems = [], list[str]()

    def new(url: str, **options: object) -> Page:
        context = browser.new_context(locale="en-US", **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_SECONDS * 1_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: None if _is_harmless(str(error)) else problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if _is_forbidden(line.text) else None)
        page.goto(url)
        return page

    yield new
    for context in contexts:
        context.close()
    assert problems == []


def _is_harmless(error: str) -> bool:
    """Tell if a view transition was skipped, which Chromium reports as an error."""
    return error.startswith("Transition was")


def _is_forbidden(text: str) -> bool:
    return "Content Security Policy" in text or "Trusted" in text
