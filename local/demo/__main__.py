"""`make demo`: the order flow against the running stack, over HTTP as people would, with the events as they pass.

With `--watch` a crowd shops until Ctrl-C instead, for those who look at the pages meanwhile.
"""

import sys

import requests

from local.demo import crowd, payments, reservations
from local.demo.events import Events
from local.demo.patience import UnexpectedError
from local.state import NOTHING_RUNS, Running, State

WATCH = "--watch"


def main() -> int:
    """Walk through the flow; return the exit status."""
    running = State().running()
    if running is None:
        print(NOTHING_RUNS, file=sys.stderr)
        return 1
    try:
        if sys.argv[1:] == [WATCH]:
            crowd.play(running.url)
        else:
            _walk(running)
    except (UnexpectedError, requests.RequestException) as error:
        print(f"The walk-through ends here: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # as for every process that Ctrl-C ended
    return 0


def _walk(running: Running) -> None:
    events = Events(running.nats_url)
    people = reservations.play(running.url)
    payments.play(people, events, running.stripe_url)
    reservations.play_expiry(people)


if __name__ == "__main__":
    sys.exit(main())
