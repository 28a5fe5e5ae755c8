"""Every patch of nats-py, and the version that they were made for: a test fails when another one is installed."""

import re
from functools import lru_cache
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.transport import TcpTransport
from nats.protocol import parser

from events.runtime.server_pool import ServerPool

VERSION = "2.16.0"

_PLAIN_BLOCK = b"NATS/1.0\r\n"
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # a token (RFC 9110)

# In NATS's protocol, blanks and tabs separate. nats-py takes other white space for it too, and would reconnect for
# ever on a subject that holds some, to which anyone may publish.
_SUBJECTS = rb"([^ \t\r\n]+)[ \t]+([^ \t\r\n]+)[ \t]+(([^ \t\r\n]+)[ \t]+)?"
parser.MSG_RE = re.compile(rb"MSG[ \t]+" + _SUBJECTS + rb"(\d+)\r\n")
parser.HMSG_RE = re.compile(rb"HMSG[ \t]+" + _SUBJECTS + rb"(\d+)[ \t]+(\d+)\r\n")


class PatchedClient(Client):
    """nats-py's client with its own choice of servers, which reads hostile messages without ending.

    `publisher` uses two more of its private methods.
    """

    _pool: ServerPool

    async def _select_next_server(self) -> None:
        """Connect to a server of the pool, in place of nats-py's own choice."""
        while True:
            self._abort()
            server = await self._pool.next(self.options["reconnect_time_wait"])
            try:
                await self._connect_to_server(server)
            except Exception as error:  # noqa: BLE001 as nats-py does: the next one is tried
                await self._error_cb(error)
            else:
                self._current_server = server
                return

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 nats-py's signature
        """Take note of the other servers, in place of nats-py's own list, which only grows."""
        if "connect_urls" in info:
            self._pool.tell(info["connect_urls"] or ())

    async def _attempt_reconnect(self) -> None:
        """Reconnect. nats-py would wait until a server that is silent has read what was sent to it."""
        self._abort()
        await super()._attempt_reconnect()

    def _abort(self) -> None:
        """Close the socket at once, also one whose server accepted it and said nothing: nats-py would leave it open."""
        if isinstance(self._transport, TcpTransport) and self._transport._io_writer is not None:  # noqa: SLF001
            self._transport._io_writer.transport.abort()  # noqa: SLF001

    # nats-py leaves its read loop, without a word and for good, at header blocks and subjects that are not UTF-8.
    # Plain blocks are also read here in a third of its time.

    async def _process_headers(self, headers: bytes | None) -> dict[str, str] | None:
        if headers and headers.startswith(_PLAIN_BLOCK):
            lines = headers[len(_PLAIN_BLOCK) :].decode(errors="replace").split("\r\n")
            parts = (line.partition(":") for line in lines)
            return _headers([(name, value.strip()) for name, colon, value in parts if colon and _is_name(name)])
        try:
            return await super()._process_headers(headers)
        except (UnicodeError, IndexError):
            return None

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Msg:
        readable = subject if subject.isascii() else subject.decode(errors="replace").encode()
        message: Msg = super()._build_message(sid, readable, reply, data, headers)
        return message


def _headers(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return headers by name. One that comes twice has both values, a line each, so that no reader takes either."""
    headers = dict(pairs)
    if len(headers) == len(pairs):
        return headers
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: "\n".join(lines) for name, lines in values.items()}


@lru_cache(maxsize=1024)
def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None
