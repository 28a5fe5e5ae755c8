"""Finds for each guard the seed with which the search misses it soonest.

`python -m tests.properties.seeds [NAME ...] >log` is to be run when rules of the search have changed; the best
seeds go into `guards_of_tickets` and `guards_of_money`. SEEDS is how many are tried; functions log to stdout.
"""

import os
import re
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
from tests.properties.test_order_flow import GUARDS, explore
from tests.provider import Provider
from tests.servers import running_server

SEEDS = int(os.environ.get("SEEDS") or 30)
EXAMPLES = 5  # the first of each search is the simplest one there is


def main(names: list[str]) -> None:
    """Print a line per guard: the seconds that its present seed takes, and the best seed with its seconds."""
    with _system() as system:
        for guard in [guard for guard in GUARDS if not names or guard.name in names]:
            found = {number: seconds for number in range(1, SEEDS + 1) if (seconds := _seconds(system, guard, number))}
            best = min(found, key=lambda number: found[number], default=None)
            now, then = found.get(guard.seed, float("nan")), found.get(best or 0, float("nan"))
            print(f"{guard.name}: seed {guard.seed} takes {now:.1f} s, seed {best} takes {then:.1f} s", file=sys.stderr)


def _seconds(system: System, guard: Guard, seed: int) -> float | None:
    """Return how long the search takes to miss the guard; None if it does not within its first examples."""
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        guard.take_out(patch)
        try:
            explore(system, seed, EXAMPLES, Phase.generate)
        except AssertionError as error:
            return time.monotonic() - began if re.search(guard.finds, str(error)) else None
    return None


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
