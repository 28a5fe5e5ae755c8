"""Whether a server works, as the ones who use it would find out."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

Probe = Callable[[], Awaitable[bool]]

PATIENCE_SECONDS = 5
NATS_PORT = 4222
# Transactions and change streams need a replica set or a sharded cluster, with a primary. In a process of its own, so
# that the stack does not carry a driver around.
HELLO = """
import sys, pymongo
hello = pymongo.MongoClient(sys.argv[1], serverSelectionTimeoutMS=4000).admin.command("hello")
sys.exit(not (hello["isWritablePrimary"] and (hello.get("setName") or hello.get("msg") == "isdbgrid")))
"""


def http(host: str, port: int, path: str) -> Probe:
    """A server that answers 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()

    async def probe() -> bool:
        return b" 200 " in await _first_line(host, port, request)

    return probe


def nats(url: str) -> Probe:
    """A server that introduces itself as NATS servers do. Clients take the URL of one: a list is that of none."""

    async def probe() -> bool:
        try:
            address = urlsplit(url)
            return (await _first_line(address.hostname or "", address.port or NATS_PORT)).startswith(b"INFO ")
        except ValueError:
            return False

    return probe


def mongo(uri: str) -> Probe:
    """A server of MongoDB's protocol that takes transactions."""

    async def probe() -> bool:
        nothing = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HELLO, uri, stdin=nothing, stdout=nothing, stderr=nothing
        )
        try:
            return await process.wait() == 0
        finally:
            if process.returncode is None:  # nobody waits for the answer any more
                process.kill()

    return probe


async def _first_line(host: str, port: int, request: bytes = b"") -> bytes:
    """What a server says first, to a request if there is one; nothing if it does not."""
    with suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request)
                return await reader.readline()
            finally:
                writer.close()
    return b""
