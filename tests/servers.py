"""Runs a real server for as long as a test needs it."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import servers

START_SECONDS = 120


@contextmanager
def running_server(command: list[str], port: int) -> Iterator[None]:
    """Run a server until the end of the block."""
    with subprocess.Popen(command, cwd=Path(command[0]).parent, stderr=subprocess.DEVNULL) as process:
        try:
            await_port(process, port)
            yield
        finally:
            process.kill()  # its files are deleted with the test


def await_port(process: subprocess.Popen[bytes], port: int, host: str = servers.HOST) -> None:
    """Return once the process listens.

    Raises:
        RuntimeError: it has ended, or takes too long; the message tells which.
    """
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.02)
    state = "runs" if process.poll() is None else f"ended with status {process.returncode}"
    raise RuntimeError(f"nothing listens on port {port} of {process.args!r}, which {state}")
