"""Faults of all kinds: a plan that its seed repeats, and their execution, several at once."""

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from tests.e2e.stack import Stack
from tests.faults import breakable, kills
from tests.faults.disks import Disk
from tests.faults.floods import FLOODS
from tests.faults.log import STREAMS, Log
from tests.faults.pages import Pages

AT_ONCE = 4
PAUSE_SECONDS = (0.5, 3.0)
KILL, STALL, CLOCK, FLOOD, DISK, LOSS = "kill", "stall", "clock", "flood", "full disk", "loss"
WEIGHTS = {KILL: 60, STALL: 15, CLOCK: 11, FLOOD: 6, DISK: 6, LOSS: 2}
SECONDS = {STALL: (5, 60), CLOCK: (15, 45), FLOOD: (10, 20), DISK: (10, 30)}
OFTEN = 12  # the length that is drawn most often, in seconds
SKEW_SECONDS = 25  # two clocks may be twice as far apart, which deliveries bear: 60 s
STORE = "store"
# nats-server reads the kernel's clock without the C library, which is where a clock can be shifted; the gateway does
# nothing that depends on its clock.
WITHOUT_CLOCK = {"nats", "gateway"}
NOTICED_SECONDS = 1  # after so long without NATS nothing that needs it may say that it is ready


@dataclass(frozen=True)
class Fault:
    """One fault, `pause` seconds after the one before of the same worker, for some seconds."""

    pause: float
    kind: str
    target: str
    seconds: float
    skew: int = 0


@dataclass
class Scene:
    """What faults are done to, and what came of them."""

    stack: Stack
    disks: Mapping[str, Disk]
    log: Log
    pages: Pages
    done: Counter[str] = field(default_factory=Counter)
    untrue: list[str] = field(default_factory=list)
    locks: dict[str, threading.Lock] = field(default_factory=dict)


def plan(chance: random.Random, processes: Collection[str], disks: Collection[str]) -> Iterator[Fault]:
    """Yield faults of processes, of the stores with these disks, and of the rest, without end."""
    names = sorted(processes)
    clocks = [name for name in names if name not in WITHOUT_CLOCK] if breakable.clock_library() else []
    targets = {
        KILL: names,
        STALL: names,
        CLOCK: clocks,
        FLOOD: [*FLOODS],
        DISK: [*disks],
        LOSS: [STORE, *STREAMS],
    }
    possible = {kind: weight for kind, weight in WEIGHTS.items() if targets[kind]}
    while True:
        [kind] = chance.choices(list(possible), list(possible.values()))
        shortest, longest = SECONDS.get(kind, (0, 0))
        yield Fault(
            chance.uniform(*PAUSE_SECONDS),
            kind,
            chance.choice(targets[kind]),
            chance.triangular(shortest, longest, min(max(OFTEN, shortest), longest)),
            chance.choice([-SKEW_SECONDS, SKEW_SECONDS]),
        )


def carry_out(faults: Iterator[Fault], scene: Scene) -> None:
    """Inject the faults, some of them at once, but one at a time into each target; return when all have ended."""
    turn = threading.Lock()

    def work() -> None:
        while True:
            with turn:
                fault = next(faults, None)
                if fault is None:
                    return
                lock = scene.locks.setdefault(fault.target, threading.Lock())
            time.sleep(fault.pause)
            with lock:
                _inject(fault, scene)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        workers = [pool.submit(work) for _ in range(AT_ONCE)]
    for worker in workers:
        worker.result()


def _inject(fault: Fault, scene: Scene) -> None:
    print(f"{fault.kind}: {fault.target}, {fault.seconds:.0f} s", flush=True)
    with KINDS[fault.kind](fault, scene):
        time.sleep(fault.seconds)
    scene.done[fault.kind] += 1


@contextmanager
def _killed(fault: Fault, scene: Scene) -> Iterator[None]:
    kills.carry_out(scene.stack, kills.Kill(0, (fault.target,)))
    yield


@contextmanager
def _stalled(fault: Fault, scene: Scene) -> Iterator[None]:
    """Stop all processes of a name, with their workers; what is killed meanwhile is started again and runs."""
    leaders = scene.stack.named(kills.PROGRAMS.get(fault.target, fault.target))
    with suppress(psutil.NoSuchProcess):
        stopped = [one for leader in leaders for one in (leader, *leader.children(recursive=True))]
    with ExitStack() as ending:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
                ending.callback(_resume, process)
        if fault.target == "nats":
            scene.untrue += _ready_without(stopped, scene.pages)
        yield


def _ready_without(nats: Sequence[psutil.Process], pages: Pages) -> Iterator[str]:
    """Ask who is ready, unless NATS is killed and started again meanwhile."""
    time.sleep(NOTICED_SECONDS)
    ready = pages.ready()
    with suppress(psutil.NoSuchProcess):
        if all(process.status() == psutil.STATUS_STOPPED for process in nats):
            yield from (f"{name} is ready while NATS does not answer" for name in ready)


def _resume(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()


@contextmanager
def _shifted(fault: Fault, scene: Scene) -> Iterator[None]:
    """Start a process again with another clock, and in the end with the right one."""
    script = breakable.start_script(scene.stack.state, fault.target)
    breakable.shift_clock(script, fault.skew)
    kills.carry_out(scene.stack, kills.Kill(0, (fault.target,)))
    yield
    script.unlink()
    kills.carry_out(scene.stack, kills.Kill(0, (fault.target,)))


@contextmanager
def _flooded(fault: Fault, scene: Scene) -> Iterator[None]:
    flood = subprocess.Popen([sys.executable, "-m", "tests.faults.floods", fault.target, scene.stack.url])
    try:
        yield
    finally:
        flood.kill()
        flood.wait()


@contextmanager
def _full(fault: Fault, scene: Scene) -> Iterator[None]:
    scene.disks[fault.target].fill()
    try:
        yield
    finally:
        scene.disks[fault.target].free()


@contextmanager
def _lost(fault: Fault, scene: Scene) -> Iterator[None]:
    """Delete all that NATS stored before it starts again, or one stream while it runs."""
    if fault.target == STORE:
        script = breakable.start_script(scene.stack.state, "nats")
        breakable.delete_folder(script, scene.stack.state / "nats")
        kills.carry_out(scene.stack, kills.Kill(0, ("nats",)))
    else:
        scene.log.delete(fault.target)
    yield


KINDS = {KILL: _killed, STALL: _stalled, CLOCK: _shifted, FLOOD: _flooded, DISK: _full, LOSS: _lost}
