"""Following docs/functions.md adds a route, an event and a reaction that work."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from tests.e2e.stack import ROOT
from tests.pages.pages import page

GUIDE = page("docs/functions.md").text
COPIED = ("events", "functions", "knative", "local", "tests", "ui", "docs", "pyproject.toml", "Makefile", "README.md")
STEP = re.compile(
    r"(Create|Append\s+to|Add\s+to)\s+`([^`]+)`(?:,\s+before\s+`([^`]+)`)?:\n\n([ ]*)```\w+\n(.*?)^\4```$",
    re.DOTALL | re.MULTILINE,
)
# What the checklist of the page names, and the tests that the page itself adds.
CHECKS = (
    "tests/test_wiring.py",
    "tests/contracts/test_asyncapi.py",
    "tests/contracts/test_schemas.py",
    "tests/contracts/test_openapi.py::test_the_document_lists_every_route_and_the_function_behind_it",
    "tests/functions/test_errors.py::test_every_function_that_has_a_database_is_tried_without_it",
    "tests/functions/test_tickets_count.py",
    "tests/functions/test_orders_announce_refund.py",
)


class Step(NamedTuple):
    """What the page says to do with a file."""

    verb: str
    file: str
    before: str
    text: str


def steps() -> list[Step]:
    """Return the steps of the page, in order."""
    found = STEP.findall(GUIDE)
    return [
        Step(verb.split()[0], file, before, unindented(text, len(indent))) for verb, file, before, indent, text in found
    ]


def unindented(text: str, by: int) -> str:
    """Return a block without the indentation that the list's item gives it."""
    return "".join(line[by:] if line.strip() else line for line in text.splitlines(keepends=True))


def carry_out(step: Step, root: Path) -> None:
    """Do what a step says."""
    file = root / step.file
    if step.verb == "Create":
        file.write_text(step.text)
    elif step.verb == "Append":
        file.write_text(file.read_text() + step.text)
    else:
        before = re.search("^" + re.escape(step.before), file.read_text(), re.MULTILINE)
        assert before, f"no line of {step.file} begins with {step.before!r}"
        text = file.read_text()
        file.write_text(text[: before.start()] + step.text + text[before.start() :])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the repository in which the page was followed."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    for step in steps():
        carry_out(step, tmp_path)
    run(tmp_path, "events.schemas")
    return tmp_path


def run(root: Path, *command: str) -> None:
    """Run a module of Python in the copy, and show what it prints if it fails."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_route_an_event_and_a_reaction_are_added_by_the_page_alone(copy: Path) -> None:
    run(copy, "ruff", "format", ".")
    run(copy, "ruff", "check", ".")
    run(copy, "pytest", "--quiet", "-p", "no:cacheprovider", *CHECKS)


def test_each_step_of_the_page_is_one_of_these() -> None:
    blocks = [block for kind in ("python", "yaml", "json", "text") for block in page("docs/functions.md").blocks(kind)]

    assert sorted(dedent(step.text) for step in steps()) == sorted(dedent(block) for block in blocks)
