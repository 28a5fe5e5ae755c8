"""axe, which finds rules of accessibility that a page breaks."""

from pathlib import Path

from playwright.sync_api import Page

OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class Axe:
    """Runs the script of axe in pages, past their Content-Security-Policy."""

    def __init__(self, node_modules: Path) -> None:
        self._script = (node_modules / "axe-core/axe.min.js").read_text()

    def violations(self, page: Page) -> list[str]:
        """Return what axe finds on a page as it is now: each rule with the elements that break it."""
        page.evaluate(self._script)
        found = page.evaluate("(options) => axe.run(document, options)", OPTIONS)["violations"]
        return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]
