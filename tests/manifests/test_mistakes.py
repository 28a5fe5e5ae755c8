"""Every check finds the mistakes that it is for: mistakes.yaml makes each in what is right otherwise."""

import copy
import re
from pathlib import Path
from typing import Any, cast

import pytest

from local.manifests import RenderError, parse
from tests.manifests.checks import CHECKS
from tests.manifests.rendering import Manifest, of_kind, render

[_listed] = parse((Path(__file__).parent / "mistakes.yaml").read_text())
MISTAKES = cast("list[dict[str, Any]]", _listed)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake['check']}: {mistake['says']}")
def test_a_mistake_is_found(rendered: dict[str, list[Manifest]], mistake: dict[str, Any]) -> None:
    manifests = copy.deepcopy(rendered[mistake.get("overlay", "local")])
    make(mistake, manifests)

    assert [found for found in CHECKS[mistake["check"]](manifests) if mistake["says"] in found]


def test_every_check_has_a_mistake() -> None:
    assert {mistake["check"] for mistake in MISTAKES} == set(CHECKS)


def test_no_network_policy_can_be_missing(rendered: dict[str, list[Manifest]]) -> None:
    names = {found["metadata"]["name"] for name in rendered for found in of_kind(rendered[name], "NetworkPolicy")}
    # The traced overlay is the local one, which has the stand-in, with collector and Jaeger.
    needed = {name for overlay in ("production", "traced") for name in _needed_policies(rendered[overlay])}

    assert names - needed == {"auth-mongo-relay"}  # auth has none


def _needed_policies(manifests: list[Manifest]) -> set[str]:
    """Those without which a check complains."""
    return {
        policy["metadata"]["name"]
        for policy in of_kind(manifests, "NetworkPolicy")
        if any(
            any(CHECKS[about]([found for found in manifests if found is not policy])) for about in ("network", "paths")
        )
    }


def test_a_kustomization_with_a_mistake_is_not_rendered(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [nowhere.yaml]\n")

    with pytest.raises(RenderError):
        render(tmp_path)


def make(mistake: dict[str, Any], manifests: list[Manifest]) -> None:
    """Make a mistake."""
    kind, _, name = mistake.get("in", "serving.knative.dev/Service/tickets-create").rpartition("/")
    hashed = re.compile(f"{re.escape(name)}(-[a-z0-9]{{10}})?")  # kustomize's, of what it generates from content
    [manifest] = [found for found in of_kind(manifests, kind) if hashed.fullmatch(found["metadata"]["name"])]
    if "at" not in mistake:
        manifests.remove(manifest)
        return
    path = mistake["at"].replace("container/", "spec/template/spec/containers/0/")
    *parents, last = [step.replace("~1", "/") for step in path.split("/")]
    place: Any = manifest
    for step in parents:
        place = place[key(place, step)]
    if last == "-":
        place.append(mistake["value"])
    elif "value" in mistake:
        place[key(place, last)] = mistake["value"]
    else:
        del place[key(place, last)]


def key(place: Any, step: str) -> Any:  # noqa: ANN401 - of a mapping or of a list, whichever is there
    """What a step of a path is in its place: a key, a number, or the number of the entry that `name=…` says."""
    if isinstance(place, dict):
        return step
    if "=" in step:
        return [entry["name"] for entry in place].index(step.partition("=")[2])
    return int(step)
