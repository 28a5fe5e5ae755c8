"""`make dead-letters`: the dead letters of the running stack."""

import sys

from events.deadletters import command
from events.runtime.address import NatsAddress
from local.state import NOTHING_RUNS, State
from local.tail import layout_of_the_broker


def main() -> int:
    """Do what the arguments ask for; the status to exit with."""
    running = State().running()
    if running is None:
        print(NOTHING_RUNS, file=sys.stderr)
        return 1
    try:
        layout = layout_of_the_broker()
    except OSError as error:
        print(f"knative/ cannot be read: {error}", file=sys.stderr)
        return 1
    return command.main(sys.argv[1:], NatsAddress.parse(running.nats_url), layout)


if __name__ == "__main__":
    sys.exit(main())
