"""How long a function's process takes from its start to its first 200, and what it weighs."""

import http.client
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from local.plan import Plan, Process
from local.state import State

ROUNDS = 7
MEBIBYTE = 2**20
HELLO = {"FUNCTION_SOURCE": str(Path(__file__).with_name("hello.py")), "FUNCTION_TARGET": "hello"}


def measure() -> None:
    """Print a line per function: start and memory, and the ratio to the bare framework's start."""
    functions = [
        found for stage in Plan(State(), 8080).stages for found in stage if "FUNCTION_SOURCE" in found.environment
    ]
    bare = replace(functions[0], name="hello, bare", environment=functions[0].environment | HELLO)
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
    """Seconds to the first 200, and MiB of the process and its children then."""
    began = time.perf_counter()
    with _running(process) as pid:
        _await_answer(int(process.environment["PORT"]))
        seconds = time.perf_counter() - began
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return seconds, sum(member.memory_full_info().pss for member in family) / MEBIBYTE


def _await_answer(port: int) -> None:
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.002)
        finally:
            connection.close()


@contextmanager
def _running(process: Process) -> Iterator[int]:
    with subprocess.Popen(process.command, env=process.environment, stdout=subprocess.DEVNULL) as running:
        try:
            yield running.pid
        finally:
            running.terminate()
