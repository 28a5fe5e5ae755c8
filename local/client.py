"""The other end of the stack's control socket, for `make logs` and `make function`."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from local.control import Error, Place, Request
from local.log import Log, Record
from local.state import NOTHING_RUNS, State

STACK_ENDED = "the stack has stopped"


class RefusedError(Exception):
    """The stack does not do what was asked."""


@contextmanager
def asking(request: Request) -> Iterator[Iterator[bytes]]:
    """Send a request to the running stack, and give the lines that it answers with until the block ends.

    Raises:
        RefusedError: no stack is running.
    """
    running = State().running()
    if running is None:
        raise RefusedError(NOTHING_RUNS)
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(running.control)
        except OSError as error:
            raise RefusedError(f"the stack cannot be reached at {running.control}: {error.strerror}") from None
        connection.sendall(msgspec.json.encode(request) + b"\n")
        with connection.makefile("rb") as lines:
            try:
                yield iter(lines)
            finally:
                connection.shutdown(socket.SHUT_RDWR)  # ends a thread that still reads


def show_log(request: Request) -> None:
    """Print the records that the stack answers with, for as long as it runs.

    Raises:
        RefusedError: no stack is running, it does not have the process, or it has stopped.
    """
    terminal = sys.stdout.isatty()
    log = Log(readable=terminal, colour=terminal and "NO_COLOR" not in os.environ)
    with asking(request) as lines:
        for line in lines:
            log.write(_require_no_error(msgspec.json.decode(line)))
    raise RefusedError(STACK_ENDED)


def read_place(lines: Iterator[bytes]) -> Place:
    """Return the place that the stack answers with.

    Raises:
        RefusedError: the stack does not have the process.
    """
    return msgspec.convert(_require_no_error(msgspec.json.decode(next(lines, b"{}"))), Place)


def _require_no_error(answer: Record) -> Record:
    if answer.keys() == set(Error.__struct_fields__):
        raise RefusedError(answer["error"])
    return answer
