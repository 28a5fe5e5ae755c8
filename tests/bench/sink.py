"""A subscriber that does nothing but note how old each event is: `python -m tests.bench.sink PORT FILE`.

An event's data is the wall clock's nanoseconds at which it was sent; FILE gets the seconds since then, one a line.
"""

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, ages: Path) -> None:
        self._ages = ages.open("a", buffering=1)
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note a connection."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            found = LENGTH.search(self._waiting, 0, end)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._waiting) < whole:
                return
            body, self._waiting = self._waiting[end + 4 : whole], self._waiting[whole:]
            self._ages.write(f"{(time.time_ns() - int(body)) / 1e9}\n")
            self._transport.write(ANSWER)

    def connection_lost(self, _: Exception | None) -> None:
        """They left."""
        self._ages.close()


async def main(port: int, ages: Path) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(lambda: Sink(ages), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), Path(sys.argv[2])))
