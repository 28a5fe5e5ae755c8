"""`make function NAME=orders-create`: one function of the running stack, restarted whenever its code changes.

With --debug it runs in this very process instead, at the stack's own port for it, so that an editor's breakpoints and
`breakpoint()` work; docs/launch.json starts it so. Either way the stack's own process has its place back at Ctrl-C.
"""

import argparse
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import flask
import functions_framework

from local import client
from local.client import RefusedError
from local.control import Request
from local.manifests import ROOT


def main() -> int:
    """Run a function until Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(prog="make function", description=__doc__)
    parser.add_argument("name", help="its Knative Service, such as orders-create")
    parser.add_argument("--debug", action="store_true", help="run it in this process, for a debugger")
    asked = parser.parse_args()
    with suppress(KeyboardInterrupt):
        try:
            _debug(asked.name) if asked.debug else client.show_log(Request("reload", asked.name))
        except RefusedError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def _debug(name: str) -> None:
    """Serve a function in this process, with Flask's own server."""
    with client.asking(Request("place", name)) as lines:
        environment = client.read_place(lines).environment
        if "FUNCTION_SOURCE" not in environment:
            raise RefusedError(f"{name} is not a function; functions run under a debugger, relays and bridge do not")
        os.environ.update(environment)
        os.chdir(ROOT)
        serving = threading.Event()
        serving.set()
        threading.Thread(target=_end_with_the_stack, args=[lines, serving], daemon=True).start()
        create: Callable[[str, str], flask.Flask] = functions_framework.create_app
        app = create(environment["FUNCTION_TARGET"], environment["FUNCTION_SOURCE"])
        app.run(environment["HOST"], int(environment["PORT"]), threaded=True)
        serving.clear()


def _end_with_the_stack(lines: Iterator[bytes], serving: threading.Event) -> None:
    """End this process if the connection ends while it serves: without the stack there is no database, either."""
    for _ in lines:
        pass
    if serving.is_set():
        print(client.STACK_ENDED, file=sys.stderr)
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
