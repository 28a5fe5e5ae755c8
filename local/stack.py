"""`make run`: the whole system on this machine, until Ctrl-C or SIGTERM."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence

from local import gateway, servers
from local.child import Child, StartError
from local.guard import Guard
from local.log import Log
from local.plan import SETTINGS, Plan
from local.state import InUseError, Running, State

DEFAULT_PORT = 8080
STOP_SECONDS = 4.2  # nobody waits much longer for Ctrl-C; what is late is killed, which loses nothing
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
STRIPE_SECRETS = ("STRIPE_KEY", "STRIPE_WEBHOOK_SECRET")


class RefusedError(Exception):
    """The stack cannot run as it was asked to."""


def main() -> int:
    """Run the stack; the status to exit with."""
    terminal = sys.stdout.isatty()
    log = Log(readable=terminal, colour=terminal and "NO_COLOR" not in os.environ)
    state = State()
    try:
        with state.held():
            _check_settings()
            plan = Plan(state, _port())
            asyncio.run(_run(plan, state, log))
            log.say(f"stopped; the state is kept in {state.folder}")
    except (RefusedError, InUseError, StartError) as error:
        log.say(str(error), "ERROR")
        return 1
    return 0


async def _run(plan: Plan, state: State, log: Log) -> None:
    guard = Guard()
    stages = [[Child(process, guard, log) for process in stage] for stage in plan.stages]
    stopping = asyncio.Event()
    for number in _stop_signals():
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        starting = asyncio.create_task(_start(stages, log))
        told = asyncio.create_task(stopping.wait())
        await asyncio.wait([starting, told], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            state.note(Running(plan.url, plan.nats_url, plan.stripe_url))
            _welcome(plan, log)
            await told
        starting.cancel()
        log.say("stopping")
    finally:
        state.forget()
        await _stop(stages)
        guard.dismiss()


def _stop_signals() -> set[signal.Signals]:
    """All of them, but for a hangup that `nohup` wants to be ignored."""
    deaf = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return STOP_SIGNALS - {signal.SIGHUP} if deaf else STOP_SIGNALS


async def _start(stages: Sequence[Sequence[Child]], log: Log) -> None:
    log.say(f"starting {sum(map(len, stages))} processes")
    began = time.monotonic()
    for stage in stages:
        await asyncio.gather(*(child.start() for child in stage))
    log.say(f"all ready after {time.monotonic() - began:.1f} s")


async def _stop(stages: Sequence[Sequence[Child]]) -> None:
    """The last stage first, so that what others need stays until they are gone; those too slow are killed."""
    deadline = time.monotonic() + STOP_SECONDS
    for number, stage in enumerate(reversed(stages)):
        stops = [asyncio.create_task(child.stop()) for child in stage]
        share = (deadline - time.monotonic()) / (len(stages) - number)
        _, late = await asyncio.wait(stops, timeout=share)
        if late:
            for child in stage:
                child.kill()
            await asyncio.wait(late)


def _welcome(plan: Plan, log: Log) -> None:
    log.say(f"the marketplace is at {plan.url}")
    for route in gateway.routes():
        log.say(f"{route.method:<6} {route.path:<24} {route.function}")


def _check_settings() -> None:
    for name, largest in SETTINGS.items():
        given = os.environ.get(name) or "1"
        if not (given.isdecimal() and 0 < int(given) <= largest):
            unit = name.rpartition("_")[2].lower()
            raise RefusedError(f"{name} is {given!r}, which is no number of {unit} from 1 to {largest}")
    for name in STRIPE_SECRETS:
        if os.environ.get("STRIPE_API_BASE") and not os.environ.get(name):
            raise RefusedError(f"STRIPE_API_BASE is given, and {name} is not: Stripe takes none that is made up")


def _port() -> int:
    given = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not (given.isdecimal() and 0 < int(given) < 2**16):
        raise RefusedError(f"PORT is {given!r}, which is no port")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((servers.HOST, int(given)))
        except OSError:
            raise RefusedError(f"port {given} is taken; `PORT=8081 make run` uses another one") from None
    return int(given)


if __name__ == "__main__":
    sys.exit(main())
