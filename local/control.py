"""The stack's end of `make logs`, `make function` and the console: a Unix socket that only its owner can reach.

A client sends one line, a `Request` as JSON, and gets lines of JSON until it closes the connection: an `Error`, or
what its request says. What a request changes lasts as long as its connection, however the client ends.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal, get_args

import msgspec

from local import wiring
from local.log import STACK, Log, Record
from local.machine import Audit, Change, Done, Machine, MachineState
from local.reload import Files
from local.supervisor import Supervisor
from local.wiring import Wiring

_OF_THE_MACHINE = {"machine", "wiring", "audit", *get_args(Change)}


class Request(msgspec.Struct):
    """What a client wants of the process `name`, or of the machine.

    `logs`: its log records, the last ones first. `reload`: the same, and the process is restarted whenever a file of
    Python code changes. `place`: one `Place`, with the process stopped until the connection closes. `machine`: one
    `MachineState`. `wiring`: one `Wiring`. `audit`: one `Audit`. Other actions change the machine; they return `Done`.
    """

    action: Literal["logs", "reload", "place", "machine", "wiring", "audit"] | Change
    name: str = ""


class Place(msgspec.Struct):
    """How the stack runs a process, for a client that runs it in its place."""

    command: list[str]
    environment: dict[str, str]


class Error(msgspec.Struct):
    """Why a request is not served."""

    error: str


class Control:
    """Serves requests about the processes of a stack."""

    def __init__(self, supervisors: Mapping[str, Supervisor], log: Log) -> None:
        self._supervisors = supervisors
        self._log = log
        self._machine = Machine(supervisors)
        self._serving = set[asyncio.Task[None]]()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve until the block ends; give the path of the socket.

        It is not in the state folder, whose path may be longer than a socket's may be.
        """
        with tempfile.TemporaryDirectory(prefix="ticketing-") as folder:
            path = str(Path(folder) / "control")
            server = await asyncio.start_unix_server(self._serve, path)
            try:
                yield path
            finally:
                server.close()
                for task in self._serving:
                    task.cancel()
                self._machine.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = msgspec.json.decode(await reader.readline(), type=Request)
        except msgspec.DecodeError as error:
            _send(writer, Error(str(error)))
        else:
            work = asyncio.create_task(self._answer(request, writer))
            self._serving.add(work)
            gone = asyncio.create_task(reader.read())
            await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            gone.cancel()
            await asyncio.wait([work, gone])
            self._serving.discard(work)
        writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if request.action in _OF_THE_MACHINE:
            _send(writer, await self._of_the_machine(request))
            return
        supervisor = self._supervisors.get(request.name)
        if supervisor is None:
            names = ", ".join(sorted(self._supervisors))
            _send(writer, Error(f"the stack has no process {request.name!r}; it has {names}"))
        elif request.action == "place":
            await self._give_place(supervisor, writer)
        elif request.action == "reload":
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._reload(supervisor))
                tasks.create_task(self._send_log(request.name, writer))
        else:
            await self._send_log(request.name, writer)

    async def _of_the_machine(self, request: Request) -> MachineState | Wiring | Audit | Done | Error:
        try:
            match request.action:
                case "machine":
                    return self._machine.state()
                case "wiring":
                    return wiring.read()
                case "audit":
                    return await self._machine.audit()
                case "kill" | "pause" | "resume" | "shop" | "go home":
                    self._log.say(
                        f"{request.action}, as a person asked in the console", "WARNING", request.name or STACK
                    )
                    return self._machine.change(request.action, request.name)
        except (ValueError, TimeoutError, OSError) as error:
            return Error(str(error) or repr(error))
        return Error(f"{request.action} is not an action of the machine")

    async def _send_log(self, name: str, writer: asyncio.StreamWriter) -> None:
        with self._log.following(name) as records, suppress(OSError):  # the client has gone
            while True:
                _send(writer, await records.get())
                await writer.drain()

    async def _reload(self, supervisor: Supervisor) -> None:
        files = Files()
        while True:
            await supervisor.restart()
            changed = await files.changed()
            self._log.say(f"{changed} changed; restarting", name=supervisor.plan.name)

    async def _give_place(self, supervisor: Supervisor, writer: asyncio.StreamWriter) -> None:
        name = supervisor.plan.name
        async with supervisor.stepped_aside():
            self._log.say("stopped: another process runs in its place", "WARNING", name)
            _send(writer, Place(supervisor.plan.command, supervisor.plan.environment))
            try:
                await asyncio.Event().wait()
            finally:
                self._log.say("starting again: its place is free", name=name)


def _send(writer: asyncio.StreamWriter, message: Record | Place | MachineState | Wiring | Audit | Done | Error) -> None:
    writer.write(msgspec.json.encode(message, enc_hook=str) + b"\n")
