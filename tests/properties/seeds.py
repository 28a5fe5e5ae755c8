"""Finds for each guard the seed with which the search misses it soonest.

`python -m tests.properties.seeds [NAME ...] >log` is to be run when rules of the search have changed; the best
seeds go into `guards_of_tickets` and `guards_of_money`. SEEDS is how many are tried; functions log to stdout. What is
counted are examples, which are as many on a busy machine.
"""

import itertools
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import Phase
from hypothesis.errors import Flaky

from local import servers
from tests.properties.conftest import SERVICES, assembled
from tests.properties.guard import Guard
from tests.properties.system import System
from tests.properties.test_order_flow import EXAMPLES_WITHOUT_A_GUARD, GUARDS, explore
from tests.provider import Provider
from tests.servers import running_server

SEEDS = int(os.environ.get("SEEDS") or 30)
MIN_EXAMPLES, MAX_EXAMPLES = 2, 8  # the first one is the simplest; a seed that needs many is not worth having
REPLAYS = 2  # of an example that fails, by hypothesis


class TooManyError(BaseException):
    """Ends a search; hypothesis would take an Exception for what it searches."""


def main(names: list[str]) -> None:
    """Print a line per guard: the best seed, and how many examples the search needs with it to miss the guard."""
    with _system() as system:
        for guard in [guard for guard in GUARDS if not names or guard.name in names]:
            best, fewest = guard.seed, MAX_EXAMPLES + 1
            for seed in dict.fromkeys([guard.seed, *range(1, SEEDS + 1)]):
                if fewest > MIN_EXAMPLES and (needed := _examples(system, guard, seed, fewest - 1)):
                    best, fewest = seed, needed
            needs = f"needs {fewest} examples" if fewest <= MAX_EXAMPLES else f"and all others need over {MAX_EXAMPLES}"
            print(f"{guard.name}: seed {best} {needs}, now it is {guard.seed}", file=sys.stderr)


def _examples(system: System, guard: Guard, seed: int, limit: int) -> int | None:
    """Return how many examples the search needs to miss the guard; None if more than the limit, or another fault."""
    begun = itertools.count(1)
    forget = system.forget

    def begin() -> None:
        if next(begun) > limit + REPLAYS:
            raise TooManyError
        forget()

    with pytest.MonkeyPatch.context() as patch:
        guard.take_out(patch)
        patch.setattr(system, "forget", begin)
        try:
            explore(system, seed, EXAMPLES_WITHOUT_A_GUARD, Phase.generate)
        except AssertionError as error:
            return next(begun) - 1 - REPLAYS if re.search(guard.finds, str(error)) else None
        except (TooManyError, Flaky):  # the latter if an example ends where another went on
            return None
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
