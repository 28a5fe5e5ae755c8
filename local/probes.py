"""Probes that find out whether a server works the way its clients would."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

Probe = Callable[[], Awaitable[bool]]

TIMEOUT_SECONDS = 5
SELECTION_MILLISECONDS = 4000
NATS_PORT = 4222


def http(host: str, port: int, path: str, method: str = "GET", status: int = 200) -> Probe:
    """Probe a server that answers a request without a body with this status."""
    request = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()

    async def probe() -> bool:
        line = await _first_line(host, port, request)
        return re.match(rb"HTTP/1\.[01] %d\b" % status, line) is not None

    return probe


async def nothing() -> bool:
    """Find a process working that has nothing to probe."""
    return True


def both(first: Probe, second: Probe) -> Probe:
    """Probe what two probes must find working."""

    async def probe() -> bool:
        return await first() and await second()

    return probe


def nats(url: str) -> Probe:
    """Probe a server that introduces itself as NATS servers do. The URL names one server: clients take no list."""

    async def probe() -> bool:
        try:
            address = urlsplit(url)
            return (await _first_line(address.hostname or "", address.port or NATS_PORT)).startswith(b"INFO ")
        except ValueError:
            return False

    return probe


def mongo(uri: str) -> Probe:
    """Probe a primary of a replica set, or mongos: transactions and change streams need one."""

    async def probe() -> bool:
        hello = await _command(uri, "hello")
        return bool(hello.get("isWritablePrimary") and (hello.get("setName") or hello.get("msg") == "isdbgrid"))

    return probe


def mongo_storage(uri: str) -> Probe:
    """Probe a server that reads what it stores: `hello` is answered even when the storage engine has failed."""

    async def probe() -> bool:
        return bool((await _command(uri, "dbStats")).get("ok"))

    return probe


async def _command(uri: str, command: str) -> dict[str, Any]:
    """Return the response to a command without arguments; nothing if it fails."""
    with suppress(PyMongoError, TimeoutError):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            client = AsyncMongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=SELECTION_MILLISECONDS)
            async with client:
                return await client["admin"].command(command)
    return {}


async def _first_line(host: str, port: int, request: bytes = b"") -> bytes:
    """Return the first line that a server sends, in response to `request` if there is one; nothing if it fails."""
    with suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request)
                return await reader.readline()
            finally:
                writer.close()
    return b""
