"""The types in the storefront's JSDoc hold, as TypeScript checks them."""

import subprocess
from pathlib import Path

from tests.storefront.packages import ENVIRONMENT, NODE


def check(node_modules: Path, project: Path) -> tuple[int, str]:
    """Return the status and the output of the type checker for the project in a folder."""
    compiler = [str(NODE), str(node_modules / "typescript/bin/tsc"), "--project", str(project)]
    checked = subprocess.run(compiler, check=False, env=ENVIRONMENT, capture_output=True, text=True)
    return checked.returncode, checked.stdout


def test_every_module_passes_the_type_checker(node_modules: Path) -> None:
    assert check(node_modules, Path(__file__).parent) == (0, "")
