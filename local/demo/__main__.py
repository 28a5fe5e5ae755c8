"""`make demo`: the order flow against the running stack, over HTTP as people would, with the events as they pass."""

import sys

import requests

from local.demo import payments, reservations
from local.demo.events import Events
from local.demo.patience import UnexpectedError
from local.state import NOTHING_RUNS, State


def main() -> int:
    """Walk through the flow; the status to exit with."""
    running = State().running()
    if running is None:
        print(NOTHING_RUNS, file=sys.stderr)
        return 1
    try:
        events = Events(running.nats_url)
        people = reservations.play(running.url)
        payments.play(people, events, running.stripe_url)
        reservations.play_expiry(people)
    except (UnexpectedError, requests.RequestException) as error:
        print(f"The walk-through ends here: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # as for every process that Ctrl-C ended
    return 0


if __name__ == "__main__":
    sys.exit(main())
