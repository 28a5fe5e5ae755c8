"""What builds and installs agrees with what is installed."""

import re

import pytest

from local.manifests import ROOT
from tests.manifests.building import SKAFFOLD, of_target, profiles, stages
from tests.manifests.rendering import APPLIED, Manifest, containers, of_kind, workloads

ARTIFACTS = [artifact for profile in profiles().values() for artifact in profile["build"]["artifacts"]]


def test_every_image_begins_with_one_of_a_full_version() -> None:
    known = stages()
    foreign = {stage.begins_with for stage in known.values()} - known.keys() - {"scratch"}

    assert foreign
    assert [
        name for name in foreign if not re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+[a-z-]*(@sha256:[0-9a-f]{64})?", name)
    ] == []


@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda artifact: f"{artifact['docker']['target']}")
def test_an_image_is_built_of_a_stage_that_does_not_run_as_root(artifact: Manifest) -> None:
    target = artifact["docker"]["target"]

    assert (ROOT / artifact["docker"]["dockerfile"]).is_file()
    assert target in stages()
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", of_target(target, "USER") or "")  # Kubernetes asks for a number


@pytest.mark.parametrize("name", profiles())
def test_what_is_built_is_what_an_overlay_runs(rendered: dict[str, list[Manifest]], name: str) -> None:
    built = {artifact["image"] for artifact in profiles()[name]["build"]["artifacts"]}
    images = {found["image"] for workload in workloads(rendered[name]) for found in containers(workload)}

    assert {image.rpartition(":")[0] for image in images if "ticketing" in image} == built


def test_every_overlay_has_a_way_to_be_installed() -> None:
    assert profiles().keys() == APPLIED.keys() - {"base"}


def test_changed_files_go_where_the_image_has_them() -> None:
    copying = [artifact for artifact in ARTIFACTS if "sync" in artifact]

    assert copying
    for artifact in copying:
        for rule in artifact["sync"]["manual"]:
            assert of_target(artifact["docker"]["target"], "WORKDIR") == rule["dest"]
            assert list(ROOT.glob(rule["src"]))


def test_a_container_that_takes_changed_files_may_write_them(rendered: dict[str, list[Manifest]]) -> None:
    [artifact] = profiles()["dev"]["build"]["artifacts"]
    copied = [found for found in stages()["dev"].instructions if found[0] == "COPY" and found[-1].startswith("/app")]

    assert copied
    assert [found for found in copied if f"--chown={of_target('dev', 'USER')}" not in found] == []
    for container in (found for workload in _lasting(rendered["dev"]) for found in containers(workload)):
        if container["image"].startswith(artifact["image"]):
            assert container["securityContext"]["readOnlyRootFilesystem"] is False


def test_what_an_image_takes_is_sent_to_the_builder() -> None:
    sent = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    taken = {
        source
        for stage in stages().values()
        for name, *arguments in stage.instructions
        if name == "COPY" and not any(found.startswith("--from") for found in arguments)
        for source in (found for found in arguments[:-1] if not found.startswith("--"))
    }

    assert taken == sent
    assert [source for source in sorted(taken) if not (ROOT / source).exists()] == []


def test_skaffold_is_of_a_version_that_knows_all_this(rendered: dict[str, list[Manifest]]) -> None:
    version = re.fullmatch(r"skaffold/v4beta(\d+)", SKAFFOLD["apiVersion"])
    kinds = {found["groupKind"].partition(".")[::2] for found in SKAFFOLD["resourceSelector"]["allow"]}

    assert version
    assert int(version[1]) >= 14
    for kind, group in kinds:
        assert of_kind(rendered["local"], f"{group.rpartition('/')[0] or group}/{kind}")


def _lasting(manifests: list[Manifest]) -> list[Manifest]:
    """The workloads that run while files change, which those of jobs do not."""
    return [found for found in workloads(manifests) if found["kind"] not in {"Job", "CronJob"}]
