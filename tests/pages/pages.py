"""The repository's pages: their text, headings, links and code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import dedent

from tests.e2e.stack import ROOT

FOLDERS = ("docs", "knative")
_BLOCK = re.compile(r"^([ ]*)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """One Markdown file. `name` is its path from the root of the repository."""

    path: Path

    @property
    def name(self) -> str:
        """Return its path from the root of the repository."""
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        """Return all of it."""
        return self.path.read_text()

    @cached_property
    def prose(self) -> str:
        """Return it without blocks of code."""
        return _BLOCK.sub("", self.text)

    @property
    def headings(self) -> list[str]:
        """Return its headings, in order."""
        return _HEADING.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """Return what a link to this page may name after `#`, as the usual forges make it of a heading."""
        plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in self.headings)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}

    @property
    def links(self) -> list[str]:
        """Return the targets of its links, those to other sites excepted."""
        return [found for found in _LINK.findall(self.prose) if "://" not in found]

    @property
    def inline(self) -> list[str]:
        """Return what is marked as code within its sentences, outside of links' texts."""
        return [re.sub(r"\s+", " ", found) for found in _INLINE.findall(self.prose)]

    def blocks(self, language: str, heading: str | None = None) -> list[str]:
        """Return its blocks of code in a language, of all of the page or of what stands below a heading."""
        return [
            block
            for kind, block in _blocks(self.text if heading is None else self.section(heading))
            if kind == language
        ]

    def section(self, heading: str) -> str:
        """Return what stands between a heading and the next one."""
        rest = self.text.split(f"# {heading}\n", 1)[1]
        return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    for indent, language, block in _BLOCK.findall(text):
        yield language, dedent(block) if indent else block


def pages() -> list[Page]:
    """Return every page, those at the top first."""
    found = [*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))]
    return [Page(path) for path in sorted(found, key=lambda path: (len(path.parts), path))]


def page(name: str) -> Page:
    """Return the page at this path from the root of the repository."""
    return Page(ROOT / name)
