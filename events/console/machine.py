"""On one machine: its processes, the money's audit, and faults on purpose, through the control socket of `make run`.

`MACHINE` names the file that describes the running stack, from which the socket's path is read; PROVIDER_CONTROLS is
the URL at which the stand-in for the payment provider takes its faults.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from msgspec import Struct

from events.console.access import InvalidRequest, respond

_PATIENCE = 90.0  # seconds; an audit reads every payment
_LIMIT = 1 << 20  # bytes of an answer
_SLOW_SECONDS = 5.0
_FAULTS: Mapping[str, dict[str, object]] = {
    "normal": {},
    "slow": {"delay": _SLOW_SECONDS},
    "failing": {"fail": "before", "probability": 0.5},
    "cut off": {"fail": "after", "probability": 0.5},
    "declining": {"decline": 0.5},
}

Json = dict[str, Any]


class Change(Struct, forbid_unknown_fields=True):
    """What a person does to the machine: to a process by its `name`, to the crowd, or to the provider by a fault."""

    action: str
    name: str = ""


class Machine:
    """Routes about this machine. Without a description there are none of it, as in a cluster."""

    def __init__(self, description: str | None, provider: str | None) -> None:
        self._description = Path(description) if description else None
        self._provider = provider

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/api/about", self._about),
            web.get("/api/machine", self._show),
            web.get("/api/wiring", self._wiring),
            web.post("/api/machine", self._change),
            web.post("/api/audit", self._audit),
        ]

    async def _about(self, _: web.Request) -> web.Response:
        return respond({"isLocal": self._description is not None})

    async def _show(self, _: web.Request) -> web.Response:
        state = await self._ask(action="machine")
        return respond({**state, "fault": await self._fault(), "faults": list(_FAULTS) if self._provider else []})

    async def _wiring(self, _: web.Request) -> web.Response:
        """Return the functions with their routes; none in a cluster, where the page knows Triggers only."""
        return respond(await self._ask(action="wiring") if self._description else {"functions": [], "relays": []})

    async def _change(self, request: web.Request) -> web.Response:
        try:
            change = msgspec.json.decode(await request.read(), type=Change)
        except msgspec.MsgspecError as error:
            raise InvalidRequest(str(error)) from None
        if change.action == "provider":
            await self._inject(change.name)
        else:
            await self._ask(action=change.action, name=change.name)
        return await self._show(request)

    async def _audit(self, _: web.Request) -> web.Response:
        return respond(await self._ask(action="audit"))

    async def _ask(self, **request: str) -> Json:
        """Send a request to the stack and return its answer. Raises InvalidRequest."""
        if self._description is None:
            raise InvalidRequest("only a console that `make run` started can do this")
        try:
            control = json.loads(self._description.read_text())["control"]
            async with asyncio.timeout(_PATIENCE):
                return _answer(await _exchange(control, msgspec.json.encode(request)))
        except (OSError, KeyError, ValueError) as error:
            raise InvalidRequest(f"the stack does not respond ({error!r}); try again once it is ready") from error

    async def _fault(self) -> str:
        """Return the name of the provider's fault, "" for one that has none."""
        if self._provider is None:
            return ""
        try:
            async with aiohttp.ClientSession() as session, session.get(self._provider) as response:
                found = await response.json()
        except aiohttp.ClientError:
            return ""
        return next((name for name, fault in _FAULTS.items() if _follows(found, fault)), "")

    async def _inject(self, name: str) -> None:
        if self._provider is None or name not in _FAULTS:
            raise InvalidRequest(f"{name!r} is not a fault of the provider's stand-in: {', '.join(_FAULTS)}")
        async with aiohttp.ClientSession() as session, session.post(self._provider, json=_FAULTS[name]) as response:
            response.raise_for_status()


def _follows(found: Json, fault: Mapping[str, object]) -> bool:
    """Tell whether the stand-in has exactly this fault."""
    named = {key for one in _FAULTS.values() for key in one} - {"probability"}
    return all(found.get(key) == fault[key] if key in fault else not found.get(key) for key in named)


async def _exchange(control: str, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(control, limit=_LIMIT)
    try:
        writer.write(request + b"\n")
        return await reader.readline()
    finally:
        writer.close()


def _answer(line: bytes) -> Json:
    answer: Json = msgspec.json.decode(line)
    if answer.keys() == {"error"}:
        raise InvalidRequest(str(answer["error"]))
    return answer
