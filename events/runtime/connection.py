"""The connection to NATS: nats-py, hardened against lost servers and hostile messages."""

import asyncio
import logging
import re
from functools import lru_cache
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.protocol import parser

_log = logging.getLogger(__name__)

_RECONNECT_WAIT = 0.25  # seconds between attempts
_PING_INTERVAL = 10  # seconds; two unanswered pings are a lost connection

_PLAIN_BLOCK = b"NATS/1.0\r\n"
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # a token (RFC 9110)

# In the server's protocol blanks and tabs separate. nats-py takes other white space for it too, and a subject that
# holds some, which anyone may publish to, would make it reconnect for good.
_SUBJECTS = rb"([^ \t\r\n]+)[ \t]+([^ \t\r\n]+)[ \t]+(([^ \t\r\n]+)[ \t]+)?"
parser.MSG_RE = re.compile(rb"MSG[ \t]+" + _SUBJECTS + rb"(\d+)\r\n")
parser.HMSG_RE = re.compile(rb"HMSG[ \t]+" + _SUBJECTS + rb"(\d+)[ \t]+(\d+)\r\n")


def inbox_prefix(url: str) -> str:
    """Where answers to a client come to: subjects of its user's own, so that other users need not be able to read them.

    A URL without a password has no user; what may stand in a user's place then is a token, which is not to be told.
    """
    address = urlsplit(url)
    return f"_INBOX.{address.username}" if address.password else "_INBOX"


class Connection(Client):
    """A connection that waits for NATS as long as it takes, and that hostile messages do not stop."""

    def __init__(self) -> None:
        super().__init__()
        self._given_up = asyncio.Event()

    async def open(self, url: str, name: str) -> None:
        """Connect, and again whenever the connection is lost."""
        await self.connect(
            url,
            name=name,
            inbox_prefix=inbox_prefix(url),
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_WAIT,  # type: ignore[arg-type]  # declared int, used as seconds
            ping_interval=_PING_INTERVAL,
            error_cb=_log_error,
            closed_cb=self._note_closed,
        )

    async def until_closed(self) -> None:
        """Wait for the client to give up for good, which it does after some errors of the server, and raise."""
        await self._given_up.wait()
        raise ConnectionError("the NATS client closed its connection")

    async def _note_closed(self) -> None:
        self._given_up.set()

    # nats-py leaves its read loop, silently and for good, at header blocks and subjects that are no UTF-8. Plain
    # blocks are read here in a third of its time, besides.

    async def _process_headers(self, headers: bytes | None) -> dict[str, str] | None:
        if headers and headers.startswith(_PLAIN_BLOCK):
            lines = headers[len(_PLAIN_BLOCK) :].decode(errors="replace").split("\r\n")
            pairs = (line.partition(":") for line in lines)
            return {name: value.strip() for name, colon, value in pairs if colon and _is_name(name)}
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


@lru_cache(maxsize=1024)
def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


async def _log_error(error: Exception) -> None:
    _log.warning("NATS: %r", error)
