"""`make dead-letters`: list, show, replay or purge the dead letters of the running stack."""

import sys

from events.deadletters import command
from events.runtime.address import NatsAddress
from local.manifests import RenderError
from local.state import NOTHING_RUNS, State
from local.tail import stream_names


def main() -> int:
    """Run the command that the arguments name; return the exit status."""
    running = State().running()
    if running is None:
        print(NOTHING_RUNS, file=sys.stderr)
        return 1
    try:
        names = stream_names()
    except RenderError as error:
        print(error, file=sys.stderr)
        return 1
    return command.main(sys.argv[1:], NatsAddress.parse(running.nats_url), names)


if __name__ == "__main__":
    sys.exit(main())
