"""Commands on the pages can be typed as they stand: they parse, and what they name exists.

Those of the tutorial, and of dead letters, are also run: see `test_tutorial`. What needs a cluster is only looked at.
"""

import importlib.util
import json
import re
import subprocess

import pytest

from local import manifests
from tests.bench.__main__ import MEASUREMENTS
from tests.e2e.stack import ROOT
from tests.pages.pages import Page, pages

PAGES = [found for found in pages() if found.blocks("sh")]
NAMES = [found.name for found in PAGES]
DEPLOYMENTS = {found["metadata"]["name"] for found in manifests.read() if found["kind"] == "Deployment"}
SERVICES = {found["metadata"]["name"] for found in manifests.read() if found["kind"] == "Service"}
TASKS = {found["metadata"]["name"] for found in manifests.read(manifests.OPERATIONS)}
DATABASES = {path.name for path in (ROOT / "knative/components/mongodb").iterdir() if path.is_dir()} - {"replica-set"}


@pytest.mark.parametrize("found", PAGES, ids=NAMES)
def test_commands_are_those_of_a_shell(found: Page) -> None:
    script = re.sub(r"<[a-z ]+>", "placeholder", "\n".join(found.blocks("sh")))

    subprocess.run(["bash", "-n", "-c", script], check=True)


@pytest.mark.parametrize("found", PAGES, ids=NAMES)
def test_commands_name_what_exists(found: Page) -> None:
    text = "\n".join(found.blocks("sh"))

    assert set(re.findall(r"\bdeploy(?:ment)?/([\w-]+)", text)) <= DEPLOYMENTS
    assert set(re.findall(r"\bksvc/([\w-]+)", text)) <= SERVICES
    assert set(re.findall(r"\bexec (?:-it? )?([\w-]+)-mongo-\d", text)) <= DATABASES
    assert [name for name in re.findall(r"\bpython3? -m ([\w.]+)", text) if not importlib.util.find_spec(name)] == []
    assert [
        name for name in re.findall(r"\b(?:knative|tests)/[\w/]+\.(?:sh|py)", text) if not (ROOT / name).exists()
    ] == []
    assert set(re.findall(r"\bknative/task\.sh ([\w-]+)", text)) <= TASKS
    assert set(re.findall(r"\bONLY=(\w+)", text)) <= MEASUREMENTS.keys()


def test_the_editors_example_starts_what_exists() -> None:
    launch = json.loads((ROOT / "docs/launch.json").read_text())
    modules = [found["module"] for found in launch["configurations"]]

    assert [name for name in modules if not importlib.util.find_spec(name)] == []
    assert {found["default"] for found in launch["inputs"]} <= SERVICES
