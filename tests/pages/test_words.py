"""The pages use plain words, one for each thing."""

import re

import pytest

from tests.pages.pages import Page, pages

INSTEAD = {
    r"\b(?:nobody|no one|somebody|whoever|whomever|everybody)\b": "name who it is, or use a passive",
    r"\bwhatever\b": "say what it is",
    r"\banew\b": "again",
    r"\bin vain\b": "without success",
    r"\bbesides\b": "in addition, or other",
    r"\blet(?:s)? go\b": "release",
    r"\bburied\b|\bbury\b": "dead-lettered, dead-letter",
    r"\btold (?:to|of)\b|\btells? of\b": "says, or shows",
    r"\bcarriers?\b": "relays and bridge",
    r"\btake[ns]? away\b": "remove",
}
PAGES = pages()


@pytest.mark.parametrize("found", PAGES, ids=[found.name for found in PAGES])
def test_a_page_is_in_plain_words(found: Page) -> None:
    text = re.sub(r"`[^`]*`", "", found.prose)
    said = {words[0]: better for words, better in matches(text)}

    assert said == {}, f"in {found.name}, write the right side instead"


def matches(text: str) -> list[tuple[re.Match[str], str]]:
    """Return the words that have better ones, with those."""
    return [(found, better) for words, better in INSTEAD.items() for found in re.finditer(words, text, re.IGNORECASE)]
