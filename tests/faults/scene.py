"""A stack to break things in, and what is said about it afterwards."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.stack import COMMAND, Stack, running
from tests.faults import history, kills
from tests.faults.ledger import Ledger
from tests.faults.observer import Snapshot


@contextmanager
def impatient(
    folder: Path, window: int, settlement: int, command: Sequence[str] = COMMAND, **environment: str
) -> Iterator[Stack]:
    """A stack whose orders expire, and whose payments are looked after, so many seconds after they were made.

    Its log can be read afterwards.
    """
    delays = {"EXPIRATION_WINDOW_SECONDS": str(window), "SETTLEMENT_DELAY_SECONDS": str(settlement)}
    with running(folder, None, command, **delays, **environment) as stack:
        try:
            yield stack
        finally:
            log = folder / "log.jsonl"
            log.write_text("".join(f"{json.dumps(line)}\n" for line in stack.lines))
            print(f"what the processes said is in {log}")


def report(stack: Stack, seen: Snapshot, ledger: Ledger, killed: Counter[str]) -> None:
    """Print what happened."""
    ends = Counter(event["data"]["reason"] for event in seen.events if event["type"] == history.CANCELLED)
    payments = Counter(payment["status"] for payment in seen.payments.values())
    restarts = sum(line["message"].endswith(kills.AGAIN) for line in stack.lines)
    twice = sum(count > 1 for count in seen.logged.values())
    print(f"{len(seen.orders)} orders, their buyers know of {len(ledger.orders)}; {len(ledger.refused)} were refused")
    print(f"they ended: {dict(ends)}; faults that clients met: {dict(Counter(ledger.faults))}")
    print(f"payments: {dict(payments)}; buyers know of {len(ledger.paid)} paid and {len(ledger.declined)} declined")
    print(f"{len(seen.events)} events, {seen.logged.total()} in the log, {twice} of them more than once")
    print(f"{restarts} restarts after {killed.total()} kills: {dict(killed)}")
