"""A process that is killed in the middle of a request: `python -m tests.functions.killed <owner> <name>`.

It has the environment of a function, reads from standard input what `Function.call` takes, and is killed as soon as the
request comes to calling what has that name in its owner: a module, or `module:class`.
"""

import json
import os
import pkgutil
import signal
import subprocess
import sys

from local import manifests
from tests.functions.creations import Creation
from tests.functions.harness import Function, declared


def killed_before(owner: str, name: str, creation: Creation) -> None:
    """Let a process of its own create something, which is killed before calling a function or method."""
    function = creation.function
    here = {"PATH": os.environ["PATH"], "PYTHONPATH": str(manifests.ROOT)}
    died = subprocess.run(
        [sys.executable, "-m", "tests.functions.killed", owner, name],
        env=declared()[function.name] | function.environment | here,
        input=json.dumps({"json": creation.body, "headers": creation.headers()}),
        text=True,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL


def _kill(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    setattr(pkgutil.resolve_name(sys.argv[1]), sys.argv[2], _kill)
    Function(os.environ["K_SERVICE"], os.environ).call("POST", **json.load(sys.stdin))
