"""docs/licences.md lists the licence of every package and every image."""

import re

import pytest

from tests.e2e.stack import ROOT
from tests.manifests.rendering import APPLIED, containers, render, workloads
from tests.pages.licences import licence, required
from tests.pages.pages import page

PAGE = page("docs/licences.md")
IN_THE_IMAGE = required(ROOT / "requirements.txt")
FOR_DEVELOPMENT = required(ROOT / "requirements-dev.txt") - IN_THE_IMAGE


def listed(heading: str) -> dict[str, set[str]]:
    """Return what a section's table lists, by the first column."""
    rows = re.findall(r"^\| ([^|`]+) \| (`[^|]+) \|", PAGE.section(heading), re.MULTILINE)
    return {name: set(re.findall(r"`([^`]+)`", names)) for name, names in rows}


@pytest.mark.parametrize(
    ("heading", "packages"), [("In the image", IN_THE_IMAGE), ("For development", FOR_DEVELOPMENT)]
)
def test_every_package_is_listed_with_its_licence(heading: str, packages: set[str]) -> None:
    installed = {name: found for name in packages if (found := licence(name))}
    told = {name: found for found, names in listed(heading).items() for name in names}

    assert {name: told.get(name) for name in installed} == installed, f"correct {PAGE.name}, {heading!r}"
    assert told.keys() <= packages, f"remove what is not required any more from {PAGE.name}, {heading!r}"


def test_no_package_of_the_image_has_a_licence_that_binds_our_code() -> None:
    bound = [name for name in IN_THE_IMAGE if re.search(r"\b(?:A?GPL|SSPL|BUSL)", licence(name) or "")]

    assert bound == []


def test_every_image_is_listed() -> None:
    resources = [found for name in ("production", "traced") for found in workloads(render(APPLIED[name]))]
    images = {found["image"] for manifest in resources for found in containers(manifest)}
    names = {image.partition("@")[0].rpartition(":")[0] for image in images if "ticketing" not in image}

    assert set().union(*listed("Images").values()) == names | {"python"}
