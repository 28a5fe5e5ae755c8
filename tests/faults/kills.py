"""Which processes are killed when: a plan that its seed repeats, and its execution."""

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tests.e2e.stack import Stack
from tests.eventually import eventually

PAUSE_SECONDS = (0.1, 1.2)
PAIRS = 0.35  # the share of kills that hit two processes at once
AFTERSHOCK_SECONDS = (0.0, 0.2)  # what a server is needed for waits, with all that it has in hand
DEPENDENTS = {
    "nats": ("bridge", "orders-relay", "tickets-relay", "payments-relay"),
    "orders-mongo": ("orders-create", "orders-relay"),
    "tickets-mongo": ("tickets-relay", "tickets-replicate-order"),
    "payments-mongo": ("payments-create", "payments-relay", "payments-replicate-order"),
    "stripe": ("payments-create", "payments-webhook", "payments-settle", "payments-refund"),
}
PROGRAMS = {"console": "events.console", "gateway": "envoy", "stripe": "local.stripe_standin"}
FAILING, DECLINING = 0.1, 0.2
SLOW_SECONDS, LATE_SECONDS = 0.2, 2
READY, AGAIN = "ready", "starting it again"


@dataclass(frozen=True)
class Kill:
    """SIGKILL for these processes at once, `pause` seconds after the kill before."""

    pause: float
    victims: tuple[str, ...]


def plan(chance: random.Random, names: Collection[str], last: Collection[str] = ()) -> Iterator[Kill]:
    """Every process is hit once, in any order but for the last, alone or with another one.

    After a server, a process that needs it is killed too.
    """
    left = [*chance.sample(sorted({*names} - {*last}), len(names) - len(last)), *last]
    while left:
        victims = left[: 2 if chance.random() < PAIRS else 1]
        del left[: len(victims)]
        yield Kill(chance.uniform(*PAUSE_SECONDS), tuple(victims))
        for server in (victim for victim in victims if victim in DEPENDENTS):
            yield Kill(chance.uniform(*AFTERSHOCK_SECONDS), (chance.choice(DEPENDENTS[server]),))


def carry_out(stack: Stack, kill: Kill) -> None:
    """Kill the processes as soon as all of them run."""
    programs = [PROGRAMS.get(name, name) for name in kill.victims]
    eventually(lambda: all(map(stack.named, programs)))
    for program in programs:
        stack.kill(program)


def disturb(stack: Stack, chance: random.Random, **more: object) -> None:
    """Let the provider be slow, fail now and then, decline good cards, send webhooks late or twice; or `more`."""
    faults = {
        "delay": SLOW_SECONDS,
        "fail": chance.choice(["before", "after"]),
        "probability": FAILING,
        "decline": DECLINING,
        "webhooks": chance.choice(["late", "twice"]),
        "webhook_delay": LATE_SECONDS,
        "seed": chance.randrange(2**31),
    }
    stack.provider.behave(**faults | more)


def names(stack: Stack) -> set[str]:
    """Every process of a stack that is ready, without the Jobs, which have ended."""
    ready = {line["process"] for line in stack.lines if line["message"] == READY}
    return {name for name in ready if stack.named(PROGRAMS.get(name, name))}


def recovered(stack: Stack) -> bool:
    """Whether every process is ready again since it ended last."""
    ready: dict[str, bool] = {}
    for line in stack.lines:
        if line["message"] == READY or line["message"].endswith(AGAIN):
            ready[line["process"]] = line["message"] == READY
    return all(ready.values())
