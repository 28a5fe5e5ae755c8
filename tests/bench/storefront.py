"""What a page weighs, and how soon it is there, on a slow phone with a slow network; its skeleton without functions."""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.e2e.person import Person
from tests.e2e.stack import Stack, running
from tests.storefront import chromium

ROUNDS = 5
PROCESSOR_SLOWDOWN = 4
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1_638_400 / 8, "uploadThroughput": 750_000 / 8}
OBSERVE = """() => {
  window.seen = {paint: 0, shift: 0};
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => { seen.paint = entry.startTime; }))
    .observe({type: 'largest-contentful-paint', buffered: true});
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
    if (!entry.hadRecentInput) seen.shift += entry.value;
  })).observe({type: 'layout-shift', buffered: true});
}"""
SKELETON = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
INTERACTION = """() => new Promise((resolve) => {
  const button = document.querySelector('form button');
  button.addEventListener('click', () => {
    const began = performance.now();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
  }, {once: true});
  button.click();
})"""


def measure(folder: Path) -> None:
    """Print a line per page: bytes, largest paint, layout shift, interaction."""
    print("## The storefront's pages, a processor four times slower, slow 4G, nothing cached")
    with running(folder) as stack, sync_playwright() as playwright:
        seller = Person(stack.url)
        tickets = [seller.sell(f"Concert {number} in a hall of some size", 20 + number) for number in range(30)]
        executable = chromium.path()
        browser = playwright.chromium.launch(executable_path=executable, args=chromium.ARGUMENTS)
        for name, path in (("list", "/"), ("ticket", f"/tickets/{tickets[0]}"), ("sign up", "/signup")):
            rounds = [_visit(browser, stack.url + path) for _ in range(ROUNDS)]
            print(_line(name, {key: statistics.median(found[key] for found in rounds) for key in rounds[0]}))
        with _no_other_function_answers(stack):
            skeletons = [_time_to_skeleton(browser, stack.url) for _ in range(ROUNDS)]
        print(f"skeleton   {statistics.median(skeletons):.0f} ms, nothing slowed, while no other function answers")
        browser.close()


@contextmanager
def _no_other_function_answers(stack: Stack) -> Iterator[None]:
    """Hold up every function but the storefront's, as a request does that waits for one to start from zero."""
    others = [process for process in stack.descendants() if _serves_another(process)]
    for process in others:
        process.suspend()
    try:
        yield
    finally:
        for process in others:
            process.resume()


def _serves_another(process: psutil.Process) -> bool:
    environment = process.environ()
    return "FUNCTION_TARGET" in environment and environment["K_SERVICE"] != "storefront-serve"


def _time_to_skeleton(browser: Browser, url: str) -> float:
    """Return the milliseconds from the request until something is painted, with nothing cached."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(url, wait_until="commit")
    milliseconds: float = page.wait_for_function(SKELETON).json_value()
    context.close()
    return milliseconds


def _line(name: str, found: dict[str, float]) -> str:
    return (
        f"{name:<10} script {found['script'] / 1000:5.1f} kB, all {found['all'] / 1000:5.1f} kB, "
        f"skeleton {found['skeleton']:5.0f} ms, largest paint {found['paint']:5.0f} ms, "
        f"shift {found['shift']:.3f}, interaction {found['interaction']:3.0f} ms"
    )


def _visit(browser: Browser, url: str) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    session = context.new_cdp_session(page)
    sizes = _weigh(session)
    session.send("Network.emulateNetworkConditions", SLOW_4G)
    session.send("Emulation.setCPUThrottlingRate", {"rate": PROCESSOR_SLOWDOWN})
    page.add_init_script(f"({OBSERVE})()")
    page.goto(url, wait_until="networkidle")
    page.get_by_role("heading", level=1).wait_for()
    found = _seen(page)
    context.close()
    return found | {"script": sizes["Script"], "all": sum(sizes.values())}


def _seen(page: Page) -> dict[str, float]:
    seen = page.evaluate("() => window.seen")
    skeleton = page.evaluate(SKELETON)
    interaction = page.evaluate(INTERACTION) if page.locator("form button").count() else 0
    return {"paint": seen["paint"], "shift": seen["shift"], "skeleton": skeleton, "interaction": interaction}


def _weigh(session: CDPSession) -> dict[str, float]:
    """Count the bytes that come over the network by kind, compressed as they come, headers included."""
    kinds: dict[str, str] = {}
    sizes: dict[str, float] = {"Script": 0.0, "Document": 0.0}

    def note_kind(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"]

    def add(event: dict[str, Any]) -> None:
        kind = kinds.get(event["requestId"], "Other")
        sizes[kind] = sizes.get(kind, 0) + event["encodedDataLength"]

    session.send("Network.enable")
    session.on("Network.responseReceived", note_kind)
    session.on("Network.loadingFinished", add)
    return sizes
