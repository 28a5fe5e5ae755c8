"""The connection to NATS: nats-py, hardened against lost servers and hostile messages."""

import asyncio
import logging
import re
from contextlib import suppress
from functools import lru_cache
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.transport import TcpTransport
from nats.protocol import parser

from events.runtime.address import NatsAddress
from events.runtime.server_pool import ServerPool

_log = logging.getLogger(__name__)

_RECONNECT_WAIT = 0.25  # seconds between attempts at one server
_CONNECT_TIMEOUT = 1  # seconds for each step of connecting
_PING_INTERVAL = 1  # seconds; a connection is lost when two pings in a row are unanswered

_PLAIN_BLOCK = b"NATS/1.0\r\n"
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # a token (RFC 9110)

# In NATS's protocol, blanks and tabs separate. nats-py takes other white space for it too, and would reconnect for
# ever on a subject that holds some, to which anyone may publish.
_SUBJECTS = rb"([^ \t\r\n]+)[ \t]+([^ \t\r\n]+)[ \t]+(([^ \t\r\n]+)[ \t]+)?"
parser.MSG_RE = re.compile(rb"MSG[ \t]+" + _SUBJECTS + rb"(\d+)\r\n")
parser.HMSG_RE = re.compile(rb"HMSG[ \t]+" + _SUBJECTS + rb"(\d+)[ \t]+(\d+)\r\n")


class Connection(Client):
    """A connection that outlasts every outage of NATS, and that hostile messages do not stop."""

    _pool: ServerPool

    def __init__(self) -> None:
        super().__init__()
        self._closed_for_good = asyncio.Event()
        self._reconnected = asyncio.Event()

    async def open(self, address: NatsAddress, name: str) -> None:
        """Connect, and reconnect whenever the connection is lost; return once it is there."""
        self._pool = ServerPool(address.url)
        await self.connect(
            address.url,
            user=address.user,
            password=address.password,
            token=address.token,
            name=name,
            inbox_prefix=address.inbox_prefix,
            connect_timeout=_CONNECT_TIMEOUT,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_WAIT,  # type: ignore[arg-type]  # declared int, used as seconds
            ping_interval=_PING_INTERVAL,
            error_cb=_log_error,
            closed_cb=self._note_closed,
            reconnected_cb=self._note_reconnected,
        )

    async def until_closed(self) -> None:
        """Wait until the client closes for good, as it does after some errors of the server; raise ConnectionError."""
        await self._closed_for_good.wait()
        raise ConnectionError("the NATS client closed its connection")

    async def await_reconnect(self, timeout: float) -> None:  # noqa: ASYNC109 returns in either case
        """Wait until the connection was lost and made again, for at most `timeout` seconds; for one caller."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._reconnected.wait()
        self._reconnected.clear()

    async def _note_reconnected(self) -> None:
        self._reconnected.set()

    async def _note_closed(self) -> None:
        self._closed_for_good.set()

    async def _select_next_server(self) -> None:
        """Connect to a server of the pool, in place of nats-py's own choice."""
        while True:
            self._abort()
            server = await self._pool.next(_RECONNECT_WAIT)
            try:
                await self._connect_to_server(server)
            except Exception as error:  # noqa: BLE001 as nats-py does: the next one is tried
                await _log_error(error)
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


async def _log_error(error: Exception) -> None:
    _log.warning("NATS client error; it reconnects if the connection is lost", extra={"reason": repr(error)})
