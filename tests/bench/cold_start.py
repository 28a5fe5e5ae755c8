"""How long a function's process takes from its start to its first 200, and what it weighs."""

import statistics
import time

from local.plan import Process
from tests.bench import processes

ROUNDS = 7


def measure() -> None:
    """Print a line per function: start, its ratio to the bare framework's, and memory."""
    print("## Start of a function's process to its first 200")
    functions = list(processes.functions().values())
    bare = processes.bare(functions[0], "hello")
    taken: dict[str, list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        for process in (bare, *functions):
            taken.setdefault(process.name, []).append(_start(process))
    floor = _medians(taken[bare.name])[0]
    for name, runs in taken.items():
        seconds, mebibytes = _medians(runs)
        print(f"{name:<26} {seconds * 1000:5.0f} ms  x{seconds / floor:4.2f}  {mebibytes:4.0f} MiB PSS")


def _medians(runs: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)


def _start(process: Process) -> tuple[float, float]:
    """Seconds to the first 200, and MiB then."""
    began = time.perf_counter()
    with processes.running(process) as started:
        processes.await_answer(process)
        return time.perf_counter() - began, processes.memory(started)
