"""`make logs NAME=orders-create`: the log of one process of the running stack, until Ctrl-C."""

import sys
from contextlib import suppress

from local.client import RefusedError, show_log
from local.control import Request


def main() -> int:
    """Follow a process's log; return the exit status."""
    if len(sys.argv) != len(["program", "name"]):
        print("name one process: make logs NAME=orders-create", file=sys.stderr)
        return 2
    with suppress(KeyboardInterrupt):
        try:
            show_log(Request("logs", sys.argv[1]))
        except RefusedError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
