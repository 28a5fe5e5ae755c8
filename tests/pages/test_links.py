"""What the pages name exists: pages, headings, files, make targets, metrics."""

import re
from collections.abc import Iterator
from pathlib import Path

import prometheus_client
import pytest

from events.runtime import metrics, relay_metrics
from tests.e2e.stack import ROOT
from tests.pages.pages import Page, page, pages

PAGES = pages()
NAMES = [found.name for found in PAGES]
MAX_LINES_OF_THE_README = 150
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
TOP = {path.name for path in ROOT.iterdir()}
FILE = re.compile(r"[\w./*-]+\.(?:py|ya?ml|json|md|sh|conf|js|lua|toml|txt|in)|[\w.-]+(?:/[\w.*-]+)*/?")
CREATED = re.compile(r"Create\s+`([^`]+)`")


@pytest.mark.parametrize("found", PAGES, ids=NAMES)
def test_every_link_leads_to_a_file_and_a_heading(found: Page) -> None:
    broken = [link for link in found.links if not leads_somewhere(found, link)]

    assert broken == [], f"correct these links in {found.name}"


def leads_somewhere(found: Page, link: str) -> bool:
    target, _, anchor = link.partition("#")
    path = (found.path.parent / target).resolve() if target else found.path
    return path.exists() and (not anchor or anchor in Page(path).anchors)


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    following = [ROOT / "README.md"]
    while following:
        path = following.pop()
        if path not in reached and path.suffix == ".md":
            reached.add(path)
            links = (link.partition("#")[0] for link in Page(path).links)
            following += [(path.parent / link).resolve() for link in links if link]

    assert [found.name for found in PAGES if found.path not in reached] == [], "link these pages from another page"


@pytest.mark.parametrize("found", PAGES, ids=NAMES)
def test_every_file_that_a_page_names_is_there(found: Page) -> None:
    if found.name == "CHANGELOG.md":
        pytest.skip("it names what was there once, too")
    created = set(CREATED.findall(found.text))

    assert [name for name in files(found) if name not in created and not is_there(found, name)] == []


def files(found: Page) -> Iterator[str]:
    """Yield what is marked as code and looks like a path in this repository, or a file's name."""
    for text in found.inline:
        is_path = text.split("/")[0] in TOP or re.search(r"\.(?:py|ya?ml|md|sh|conf|js|lua|toml)$", text)
        if is_path and FILE.fullmatch(text) and not text.startswith((".venv", ".local")):
            yield text


def is_there(found: Page, name: str) -> bool:
    """Look from the root, from the page's folder, or, for a bare name, anywhere in the folders of the code."""
    if "/" not in name and any(next((ROOT / top).rglob(name), None) for top in ("functions", "knative", "events")):
        return True
    return any(next(folder.glob(name.rstrip("/")), None) for folder in (ROOT, found.path.parent))


@pytest.mark.parametrize("found", PAGES, ids=NAMES)
def test_every_make_target_that_a_page_names_exists(found: Page) -> None:
    code = [*found.inline, *"".join(found.blocks("sh")).splitlines()]
    named = {target for text in code for target in re.findall(r"\bmake(?: [A-Z]+=\S+)* ([a-z-]+)", text)}

    assert named <= TARGETS


def test_every_metric_of_bridge_and_relays_that_a_page_names_exists() -> None:
    exposed = prometheus_client.generate_latest().decode()
    known = set(re.findall(r"^# TYPE (\w+) ", exposed, re.MULTILINE))
    named = {name for found in PAGES for name in re.findall(r"\b((?:bridge|relay|kn_eventing)_\w+)", found.text)}
    named = {name.removesuffix("_count") for name in named}

    assert metrics.REQUESTS is not None
    assert relay_metrics.OLDEST is not None
    assert named
    assert named <= known


def test_every_annotation_of_ours_that_a_page_names_is_read() -> None:
    named = {name for found in PAGES for name in re.findall(r"jetstream\.ticketing\.dev/([\w-]+)", found.text)}
    reading = (ROOT / "events/broker/manifest.py").read_text()

    assert named
    assert [name for name in named if f'"{name}"' not in reading] == []


def test_the_readme_is_short() -> None:
    assert len(page("README.md").text.splitlines()) <= MAX_LINES_OF_THE_README
