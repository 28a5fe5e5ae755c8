"""Tasks that people run by knative/task.sh: they do not run by themselves, and the script runs what is asked for."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local import manifests
from local.manifests import ROOT
from local.servers import WHEEL_BINARIES
from tests.manifests.rendering import Manifest

TASKS = {found["metadata"]["name"]: found for found in manifests.read(manifests.OPERATIONS)}
SCRIPT = ROOT / "knative" / "task.sh"

# A cluster as far as the script asks it: it has the tasks, and Jobs end at once, as the file `end` says. What needs no
# cluster, kubectl itself does.
CLUSTER = """#!/usr/bin/env bash
here=$(dirname "$0")
case "$*" in
  *"create job"*) all="$*"; name=${all##*cronjob/}; cat "$here/${name%% *}.json" || exit 1 ;;
  "create --filename -") cat > "$here/created" ;;
  *"get job"*) cat "$here/end" ;;
  *"get cronjobs"*) echo audit dead-letters ;;
  *"config current-context"*) echo here ;;
  *logs*) echo the log of the task ;;
  *) exec "$KUBECTL" "$@" ;;
esac
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    (tmp_path / "kubectl").write_text(CLUSTER)
    (tmp_path / "kubectl").chmod(0o755)
    (tmp_path / "end").write_text("SuccessCriteriaMet Complete")
    for name, task in TASKS.items():
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": _job(task)}
        (tmp_path / f"{name}.json").write_text(json.dumps(job))
    return tmp_path


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_suspended_and_has_the_environment_of_functions(name: str) -> None:
    declared: dict[str, list[Any]] = {}
    for found in manifests.read():
        if "template" in found.get("spec", {}):
            for variable, value in manifests.environment(found).items():
                declared.setdefault(variable, []).append(value)

    assert TASKS[name]["spec"]["suspend"] is True
    for variable, value in manifests.environment(TASKS[name]).items():
        assert value in declared[variable]


def test_the_script_runs_a_task_with_arguments_and_prints_its_log(cluster: Path) -> None:
    done = _run(cluster, "dead-letters", "replay", "--trigger", "orders-expire")

    assert (done.returncode, done.stdout) == (0, "the log of the task\n"), done.stderr
    [container] = _created(cluster)["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "events.deadletters"]
    assert container["args"] == ["replay", "--trigger", "orders-expire"]


def test_without_arguments_a_task_has_its_own(cluster: Path) -> None:
    assert _run(cluster, "dead-letters").returncode == 0
    [container] = _created(cluster)["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["list"]


def test_a_task_that_fails_lets_the_script_fail(cluster: Path) -> None:
    (cluster / "end").write_text("FailureTarget Failed")

    done = _run(cluster, "audit")

    assert (done.returncode, done.stdout) == (1, "the log of the task\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "in the current context: here"),
        (("audit", 'a", "b'), "has characters other than"),
        (("nothing",), "nothing.json"),
    ],
)
def test_nothing_is_created_by_mistake(cluster: Path, arguments: tuple[str, ...], complaint: str) -> None:
    done = _run(cluster, *arguments)

    assert done.returncode != 0
    assert complaint in done.stderr
    assert not (cluster / "created").exists() or (cluster / "created").read_text() == ""


def _job(task: Manifest) -> Any:  # noqa: ANN401 - a part of a manifest
    return task["spec"]["jobTemplate"]["spec"]


def _created(cluster: Path) -> Manifest:
    return json.loads((cluster / "created").read_text())  # type: ignore[no-any-return]


def _run(cluster: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{cluster}:{os.environ['PATH']}", "KUBECTL": str(WHEEL_BINARIES / "kubectl")}
    return subprocess.run(
        [SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
