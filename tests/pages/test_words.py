"""Pages, comments, docstrings and messages use plain words, one for each thing."""

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import ROOT
from tests.pages.pages import Page, pages

INSTEAD = {
    r"\b(?:nobody|no one|somebody|whoever|whomever|everybody)\b": "name who it is, or use a passive",
    r"\bwhatever\b": "say what it is",
    r"\banew\b": "again",
    r"\bin vain\b": "without success",
    r"\bbesides\b": "in addition, or other",
    r"\blet(?:s)? go\b": "release",
    r"\bburied\b|\bbury\b": "dead-lettered, dead-letter",
    r"\btold of\b|\btells? of\b": "says, or shows",
    r"\bcarriers?\b": "relays and bridge",
    r"\btake[ns]? away\b": "remove",
}
PAGES = pages()
COMMENTED = [
    *(path for kind in ("yaml", "conf", "sh") for path in (ROOT / "knative").rglob(f"*.{kind}")),
    *(ROOT / name for name in ("Dockerfile", "Makefile", "skaffold.yaml", "requirements.in", "requirements-dev.in")),
]
MODULES = [
    path
    for folder in ("functions", "events", "local", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != Path(__file__)  # which lists the words
]
COMMENT = re.compile(r"(?:^|\s)#+ ?(.*)$", re.MULTILINE)


@pytest.mark.parametrize("found", PAGES, ids=[found.name for found in PAGES])
def test_a_page_is_in_plain_words(found: Page) -> None:
    text = re.sub(r"`[^`]*`", "", found.prose)

    assert dict(better_words(text)) == {}, f"in {found.name}, write the right side instead"


@pytest.mark.parametrize("file", COMMENTED, ids=[str(path.relative_to(ROOT)) for path in COMMENTED])
def test_comments_are_in_plain_words(file: Path) -> None:
    text = " ".join(COMMENT.findall(file.read_text()))

    assert dict(better_words(text)) == {}, f"in {file.relative_to(ROOT)}, write the right side instead"


def test_code_is_in_plain_words() -> None:
    said = {
        f"{file.relative_to(ROOT)}:{line}: {words}": better
        for file in MODULES
        for line, text in words_of(file)
        for words, better in better_words(text)
    }

    assert said == {}, "write the right side instead"


def words_of(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the comments, strings and names of a module, docstrings and messages among them, each with its line."""
    names = set()
    with file.open("rb") as lines:
        for token in tokenize.tokenize(lines.readline):
            if token.type in {tokenize.COMMENT, tokenize.STRING}:
                yield token.start[0], token.string
            elif token.type == tokenize.NAME and token.string not in names:
                names.add(token.string)
                yield token.start[0], token.string.replace("_", " ")


def better_words(text: str) -> Iterator[tuple[str, str]]:
    """Yield the words that have better ones, with those."""
    for words, better in INSTEAD.items():
        for found in re.finditer(words, text, re.IGNORECASE):
            yield found[0], better
