"""`make run`: the whole system on this machine, until Ctrl-C or SIGTERM."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

from local import gateway, install, progress, settings
from local.control import Control
from local.guard import Guard
from local.log import Log
from local.manifests import RenderError
from local.plan import Plan
from local.settings import SettingsError
from local.state import Running, State, StateError
from local.supervisor import StartError, Supervisor

STOP_SECONDS = 4.2  # people wait for Ctrl-C; a process that takes longer is killed, which loses nothing
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def main(make_plan: Callable[[State, int], Plan] = Plan) -> int:
    """Run the stack that is planned for a state folder and a port; return the exit status."""
    terminal = sys.stdout.isatty()
    log = Log(readable=terminal, colour=terminal and "NO_COLOR" not in os.environ)
    state = State()
    try:
        with install.in_use(), state.held():
            plan = make_plan(state, settings.check(state))
            asyncio.run(_run(plan, state, log))
            log.say(f"stopped; the state is kept in {state.folder}")
    except (SettingsError, StateError, StartError, RenderError) as error:
        log.say(str(error), "ERROR")
        return 1
    return 0


async def _run(plan: Plan, state: State, log: Log) -> None:
    guard = Guard()
    stages = [[Supervisor(process, guard, log) for process in stage] for stage in plan.stages]
    control = Control({one.plan.name: one for stage in stages for one in stage}, log)
    stopping = asyncio.Event()
    for number in _stop_signals():
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        async with control.serving() as socket:
            starting = asyncio.create_task(_start(stages, log))
            told = asyncio.create_task(stopping.wait())
            await asyncio.wait([starting, told], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await starting
                state.describe(_description(plan, socket))
                _welcome(plan, log)
                await told
            starting.cancel()
            log.say("stopping")
    finally:
        state.forget()
        await _stop(stages)
        guard.dismiss()


def _stop_signals() -> set[signal.Signals]:
    """Return all of them, without a hangup that `nohup` wants to be ignored."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return STOP_SIGNALS - {signal.SIGHUP} if ignored else STOP_SIGNALS


async def _start(stages: Sequence[Sequence[Supervisor]], log: Log) -> None:
    names = [supervisor.plan.name for stage in stages for supervisor in stage]
    log.say(f"starting {len(names)} processes")
    began = time.monotonic()
    with progress.shown(names, log, sys.stdout):
        for stage in stages:
            await asyncio.gather(*(supervisor.start() for supervisor in stage))
    log.say(f"all ready after {time.monotonic() - began:.1f} s")


async def _stop(stages: Sequence[Sequence[Supervisor]]) -> None:
    """Stop the last stage first, so that what a process needs outlives it; kill what takes too long."""
    deadline = time.monotonic() + STOP_SECONDS
    for number, stage in enumerate(reversed(stages)):
        stops = [asyncio.create_task(supervisor.stop()) for supervisor in stage]
        share = (deadline - time.monotonic()) / (len(stages) - number)
        _, late = await asyncio.wait(stops, timeout=share)
        if late:
            for supervisor in stage:
                supervisor.kill()
            await asyncio.wait(late)


def _description(plan: Plan, control: str) -> Running:
    addresses = plan.addresses
    return Running(
        url=addresses.url,
        nats_url=addresses.nats_url,
        stripe_url=addresses.stripe_url,
        control=control,
        databases=plan.databases,
        ports=addresses.workloads,
        console_url=addresses.console_url,
    )


def _welcome(plan: Plan, log: Log) -> None:
    for route in gateway.routes():
        log.say(f"{route.method:<6} {route.path:<24} {route.function}")
    log.say(f"the console is at {plan.addresses.console_url}")
    log.say(f"the marketplace is at {plan.addresses.url}")


if __name__ == "__main__":
    sys.exit(main())
