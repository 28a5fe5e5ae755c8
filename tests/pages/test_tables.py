"""Tables on the pages have a row for each thing of their kind."""

import re
from collections import defaultdict

from events.broker import manifest
from events.catalogue import EVENTS, TYPE_PREFIX
from events.cloudevents.messages import from_attributes
from local import manifests
from local.plan import SETTINGS
from tests.bench.__main__ import MEASUREMENTS
from tests.e2e.stack import ROOT
from tests.pages.pages import page

TRIGGERS = manifest.desired_state(manifests.read()).triggers


def rows(name: str) -> list[list[str]]:
    """Return the cells of each row of a page's tables."""
    lines = re.findall(r"^\| (.+) \|$", page(name).text, re.MULTILINE)
    return [re.split(r" \| ?", line) for line in lines]


def test_the_saga_has_each_event_and_every_function_that_reacts_to_it() -> None:
    told: dict[str, str] = defaultdict(str)
    for cells in rows("docs/architecture/saga.md"):
        for name in re.findall(r"`([a-z.-]+)`", cells[0].partition(":")[0]):
            told[name] += cells[-1]

    assert told.keys() == {kind.NAME for kind in EVENTS}
    assert {
        name: silent for name in told if (silent := {one for one in reactions(name) if one not in told[name]})
    } == {}


def reactions(name: str) -> set[str]:
    """Return the functions that an event is delivered to."""
    [kind] = [kind for kind in EVENTS if TYPE_PREFIX + name == kind.type()]
    attributes = {"specversion": "1.0", "id": "1", "type": kind.type(), "source": kind.source()}
    sent = from_attributes(attributes, None, b"")
    return {trigger.subscriber.name for trigger in TRIGGERS if trigger.filter.matches(sent)}


def test_the_page_about_one_machine_has_every_setting() -> None:
    told = {name for cells in rows("docs/one-machine.md") for name in re.findall(r"`([A-Z_]+)`", cells[0])}

    assert SETTINGS.keys() <= told


def test_the_page_about_performance_has_every_group_of_measurements() -> None:
    [told] = re.findall(r"takes one group: ([^.]+)\.", page("docs/performance.md").text.replace("\n", " "))

    assert set(re.findall(r"`(\w+)`", told)) == MEASUREMENTS.keys()


def test_the_readme_has_every_folder_with_code() -> None:
    told = {cells[0].strip("`").split("/")[0] for cells in rows("README.md")}

    assert {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")} <= told


def test_the_decisions_are_numbered_and_all_listed() -> None:
    folder = ROOT / "docs/decisions"
    records = sorted(path.name for path in folder.glob("0*.md"))
    listed = re.findall(
        r"^(\d+)\. \[([^\]]+)\]\((\d{4}-[\w-]+\.md)\)$", (folder / "README.md").read_text(), re.MULTILINE
    )

    assert [file for _, _, file in listed] == records
    assert [f"# {number}. {title}" for number, title, _ in listed] == [
        (folder / file).read_text().partition("\n")[0] for file in records
    ]
