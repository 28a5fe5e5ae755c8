"""What prepares a cluster, installs into it, proves it and uninstalls acts on the cluster that is meant."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from events.controller.snapshot import FINALIZER
from local.manifests import ROOT
from local.servers import WHEEL_BINARIES
from tests.manifests.building import KIND, SKAFFOLD


def test_a_kind_cluster_has_fixed_versions_that_the_manifests_are_made_for() -> None:
    script = KIND.read_text()
    knative = re.findall(r"^(\w+)=https://\S+/download/knative-v(\d+)\.(\d+)\.\d+$", script, re.MULTILINE)

    assert re.search(r"^node=kindest/node:v1\.(3[4-9]|[4-9]\d)\.\d+@sha256:[0-9a-f]{64}\s", script, re.MULTILINE)
    assert [name for name, *_ in knative] == ["serving", "eventing", "kourier"]
    assert all((int(major), int(minor)) >= (1, 22) for _, major, minor in knative)


def test_a_kind_cluster_can_be_prepared_again() -> None:
    applied = [line for line in KIND.read_text().splitlines() if "kubectl apply" in line]

    assert applied
    assert [line for line in applied if "--server-side --force-conflicts" not in line] == []


def test_a_kubectl_that_is_too_old_for_the_overlays_is_rejected_first(tmp_path: Path) -> None:
    version = '{"clientVersion": {"major": "1", "minor": "31"}}'
    for tool, says in (("docker", ""), ("kind", ""), ("skaffold", ""), ("kubectl", f"echo '{version}'")):
        (tmp_path / tool).write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / tool).chmod(0o755)

    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    refused = subprocess.run([KIND], env=environment, capture_output=True, text=True, check=False)

    assert refused.returncode == 1
    assert "kubectl is 1.31. Install 1.32 or newer" in refused.stderr


def test_uninstalling_looks_for_what_the_bridge_holds() -> None:
    assert f'"{FINALIZER}"' in (ROOT / "knative" / "uninstall.sh").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["production"], "the current one is: here"),
        (["nowhere", "there"], "OVERLAY is one of: "),
        (["production", "there"], "context was not found for specified context: there"),
    ],
)
def test_uninstalling_acts_on_no_cluster_that_was_not_named(
    tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    refused = _run(tmp_path, ROOT / "knative" / "uninstall.sh", *arguments)

    assert refused.returncode != 0
    assert complaint in refused.stderr


@pytest.mark.parametrize(
    ("context", "complaint"),
    [("", "the current one is: here"), ("there", 'context "there" does not exist')],
)
def test_proving_acts_on_no_cluster_that_was_not_named(tmp_path: Path, context: str, complaint: str) -> None:
    refused = _run(tmp_path, sys.executable, "-m", "tests.cluster", context, "http://127.0.0.1:8080", "host", "ready")

    assert refused.returncode == (1 if context else 2)
    assert complaint in refused.stderr


def test_skaffold_acts_on_the_current_context_in_production_only() -> None:
    [production] = [profile for profile in SKAFFOLD["profiles"] if profile["name"] == "production"]

    assert f"create cluster --name {SKAFFOLD['deploy']['kubeContext'].removeprefix('kind-')} " in KIND.read_text()
    assert [profile for profile in SKAFFOLD["profiles"] if "deploy" in profile] == []
    assert {"op": "remove", "path": "/deploy/kubeContext"} in production["patches"]


@pytest.mark.parametrize("script", sorted((ROOT / "knative").glob("*.sh")), ids=lambda path: path.name)
def test_a_script_can_be_run(script: os.PathLike[str]) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def _run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command whose kubectl knows of no cluster, though a context is current."""
    (folder / "config").write_text("current-context: here\n")
    changed = {"PATH": f"{WHEEL_BINARIES}:{os.environ['PATH']}", "KUBECONFIG": str(folder / "config")}
    return subprocess.run(command, env={**os.environ, **changed}, cwd=ROOT, capture_output=True, text=True, check=False)
