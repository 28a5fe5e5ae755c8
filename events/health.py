"""GET /healthz and /readyz of a process that otherwise serves no HTTP."""

import asyncio
from collections.abc import Callable

_REQUEST_TIMEOUT = 5.0  # seconds
_LARGEST_LINE = 4096  # bytes


async def serve(port: int, ready: Callable[[], bool], host: str | None = None) -> asyncio.Server:
    """A server that says 200 to /healthz, and to /readyz while `ready` holds, else 503; on every address, or on one."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), _REQUEST_TIMEOUT)
            writer.write(_response(line, ready))
            await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass  # a probe that went away, or none at all
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port, limit=_LARGEST_LINE)


def _response(request_line: bytes, ready: Callable[[], bool]) -> bytes:
    path = request_line.split(b" ")[1:2]
    if path == [b"/healthz"]:
        status = b"200 OK"
    elif path == [b"/readyz"]:
        status = b"200 OK" if ready() else b"503 Service Unavailable"
    else:
        status = b"404 Not Found"
    return b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
