"""The types in the storefront's JSDoc hold, as TypeScript checks them."""

import subprocess
from pathlib import Path

from tests.storefront.packages import ENVIRONMENT, NODE


def test_every_module_passes_the_type_checker(node_modules: Path) -> None:
    compiler = [
        str(NODE),
        str(node_modules / "typescript/bin/tsc"),
        "--project",
        str(Path(__file__).parent),
    ]
    checked = subprocess.run(compiler, check=False, env=ENVIRONMENT, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")
