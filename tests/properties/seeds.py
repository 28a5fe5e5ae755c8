"""Finds for each guard the seed with which the search misses it soonest.

`python -m tests.properties.seeds [NAME ...] >log` is to be run when rules of the search have changed; the best
seeds go into `guards_of_tickets` and `guards_of_money`. SEEDS is how many are tried; functions log to stdout.
"""

import math
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import Phase

from local import servers
from tests.properties.conftest import SERVICES, assembled
from tests.properties.guard import Guard
from tests.properties.system import System
from tests.properties.test_order_flow import EXAMPLES_WITHOUT_A_GUARD, GUARDS, explore
from tests.provider import Provider
from tests.servers import running_server

SEEDS = int(os.environ.get("SEEDS") or 30)
MAX_SECONDS = 10.0  # a seed that takes longer is not worth having


class TooSlowError(BaseException):
    """Ends a search; hypothesis would take an Exception for what it searches."""


def main(names: list[str]) -> None:
    """Print a line per guard: the best seed, and the seconds that the search takes with it to miss the guard."""
    signal.signal(signal.SIGALRM, _give_up)
    with _system() as system:
        for guard in [guard for guard in GUARDS if not names or guard.name in names]:
            best, seconds = guard.seed, MAX_SECONDS
            for seed in dict.fromkeys([guard.seed, *range(1, SEEDS + 1)]):
                if (took := _seconds(system, guard, seed, seconds)) < seconds:
                    best, seconds = seed, took
            print(f"{guard.name}: seed {best} takes {seconds:.1f} s, now it is {guard.seed}", file=sys.stderr)


def _seconds(system: System, guard: Guard, seed: int, limit: float) -> float:
    """Return how long the search takes to miss the guard, infinity if it is longer than the limit."""
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        guard.take_out(patch)
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            explore(system, seed, EXAMPLES_WITHOUT_A_GUARD, Phase.generate)
        except AssertionError as error:
            return time.monotonic() - began if re.search(guard.finds, str(error)) else math.inf
        except TooSlowError:
            return math.inf
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return math.inf


def _give_up(*_: object) -> None:
    raise TooSlowError


@contextmanager
def _system() -> Iterator[System]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = servers.free_port()
        stack.enter_context(running_server(servers.mongo_server(port, folder / "mongo"), port))
        provider = stack.enter_context(Provider(folder))
        uris = {service: servers.with_database(servers.mongo_uri(port), service) for service in SERVICES}
        yield stack.enter_context(assembled(uris, provider))


if __name__ == "__main__":
    main(sys.argv[1:])
