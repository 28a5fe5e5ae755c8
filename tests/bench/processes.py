"""Processes under measurement: started as the one-machine stack would, weighed and timed with their children."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from local import manifests, servers
from local.plan import Plan, Process
from local.state import State

MEBIBYTE = 2**20
START_SECONDS = 60
BARE = {"FUNCTION_SOURCE": str(Path(__file__).with_name("bare.py"))}


def functions(**environment: str) -> dict[str, Process]:
    """The functions of the stack by name, each ready to be started alone; `environment` changes that of all."""
    plan = Plan(State(), servers.free_port())
    found = [process for stage in plan.stages for process in stage if "FUNCTION_SOURCE" in process.environment]
    return {one.name: replace(one, environment=one.environment | environment) for one in found}


def bare(like: Process, target: str) -> Process:
    """A function of bare.py, in the environment of another function."""
    return replace(like, name=target, environment=like.environment | BARE | {"FUNCTION_TARGET": target})


def migrate(service: str, uri: str) -> None:
    """Prepare a service's database."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(manifests.ROOT), "MONGO_URI": uri}
    subprocess.run([sys.executable, "-m", f"functions.{service}.migrate"], env=environment, check=True)


@contextmanager
def running(process: Process) -> Iterator[psutil.Process]:
    """The process, from its start to the end of the block."""
    with subprocess.Popen(process.command, env=process.environment, stdout=subprocess.DEVNULL) as started:
        try:
            yield psutil.Process(started.pid)
        finally:
            started.terminate()


def await_answer(process: Process) -> None:
    """Return with the first 200; one that never comes is an error."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(servers.HOST, int(process.environment["PORT"]))
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.002)
        finally:
            connection.close()
    raise TimeoutError(f"{process.name} does not answer")


def memory(process: psutil.Process) -> float:
    """MiB of the process and its children, what they share counted once (PSS)."""
    return sum(member.memory_full_info().pss for member in _family(process)) / MEBIBYTE


def cpu(process: psutil.Process) -> float:
    """Seconds of processor time that the process and its children used so far."""
    return sum(sum(member.cpu_times()[:2]) for member in _family(process))


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]
