"""Run a task of knative/base/operations on the running stack, by the command that a cluster runs.

`python -m local.task NAME ARGUMENT…`; `make` has targets for it.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from local import manifests
from local.manifests import ROOT, Manifest, RenderError
from local.servers import WHEEL_BINARIES
from local.state import NOTHING_RUNS, Running, State


def main(name: str, *arguments: str) -> int:
    """Run the command of the task's manifest, with arguments in place of its own; return its status."""
    state = State()
    running = state.running()
    if running is None:
        print(NOTHING_RUNS, file=sys.stderr)
        return 1
    try:
        tasks = {found["metadata"]["name"]: found for found in manifests.read(manifests.OPERATIONS)}
    except RenderError as error:
        print(error, file=sys.stderr)
        return 1
    if (task := tasks.get(name)) is None:
        print(f"task '{name}' does not exist; the tasks are {', '.join(sorted(tasks))}", file=sys.stderr)
        return 2
    container = manifests.container(task)
    program, *command = container["command"]
    command += arguments or container.get("args", [])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **_declared(task, state, running)}
    return subprocess.run([WHEEL_BINARIES / program, *command], env=environment, check=False).returncode  # noqa: S603 - ours


def _declared(task: Manifest, state: State, running: Running) -> dict[str, str]:
    """Return the environment that the manifest declares, with the addresses and secrets of the stack."""
    declared = {}
    for name, value in manifests.environment(task).items():
        if isinstance(value, Mapping):
            reference = value["secretKeyRef"]
            declared[name] = os.environ.get(name) or state.secret(reference["name"], reference["key"])
        else:
            declared[name] = _on_this_machine(name, value, running)
    return declared


def _on_this_machine(name: str, value: str, running: Running) -> str:
    match name:
        case "MONGO_URI":
            return running.databases[urlsplit(value).path.strip("/")]
        case "NATS_URL":
            return running.nats_url
        case "STRIPE_API_BASE":
            return running.stripe_url or os.environ["STRIPE_API_BASE"]
        case _:
            return value


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
