"""The types in the storefront's JSDoc hold: TypeScript checks them, and nothing of it is served."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent
CHECKED = ("package.json", "package-lock.json")


def test_every_module_passes_the_type_checker(tmp_path: Path) -> None:
    for name in CHECKED:
        shutil.copy(FOLDER / name, tmp_path)
    install = [str(PROGRAMS / "npm"), "ci", "--no-audit", "--no-fund", "--silent", "--prefix", str(tmp_path)]
    environment = os.environ | {"PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
    subprocess.run(install, check=True, env=environment, cwd=tmp_path)
    compiler = [str(PROGRAMS / "node"), str(tmp_path / "node_modules/typescript/bin/tsc"), "--project", str(FOLDER)]
    checked = subprocess.run(compiler, check=False, env=environment, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")
