"""Storing in JetStream what must not be lost."""

import asyncio
import itertools
import json
import sys
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import APIError, BadRequestError, NoStreamResponseError

# Bytes of an event, headers and data. NATS takes messages of 1 MiB unless told otherwise; the rest is left for what
# a schedule, and then a dead letter, says besides the event.
LARGEST_EVENT = (1 << 20) - (64 << 10)

_ACK_TIMEOUT = 3.0  # seconds
_NO_RESPONDERS = "503"


class RefusedError(Exception):
    """A message that JetStream will never store, too large for instance; the message says why."""


class Publisher:
    """Stores messages in JetStream, any number at once.

    It composes what it sends by itself: nats-py's own way takes three times as long, and most of the time that an
    event spends in the ingress.
    """

    def __init__(self, connection: Client) -> None:
        self._connection = connection
        self._mailbox = _MAILBOXES.setdefault(connection, _Mailbox())

    async def store(self, subject: str, headers: Mapping[str, str], data: bytes, largest: int = sys.maxsize) -> None:
        """Return once the message, of `largest` bytes at most, is stored, or was before (`Nats-Msg-Id`).

        Raises RefusedError for what can never be stored, and nats.errors.Error for what may be later: no stream,
        a full one, no connection, no answer.
        """
        block = _header_block(headers)
        size = len(block) + len(data)
        if size > min(largest, self._connection.max_payload):  # sent, more than the server takes ends the connection
            raise RefusedError(f"{size} bytes are more than are taken")
        if not self._connection.is_connected:
            raise nats.errors.ConnectionReconnectingError
        try:
            _check(await self._request(subject, block, data))
        except BadRequestError as error:  # larger than the stream takes, for instance
            raise RefusedError(str(error.description)) from error

    async def _request(self, subject: str, block: bytes, data: bytes) -> Msg:
        """The answer to a message."""
        if not self._mailbox.address:
            await self._mailbox.open(self._connection)
        reply, answer = self._mailbox.expect()
        command = f"HPUB {subject} {reply} {len(block)} {len(block) + len(data)}\r\n".encode()
        try:
            async with asyncio.timeout(_ACK_TIMEOUT):
                await self._send(b"%b%b%b\r\n" % (command, block, data))
            # A limit of its own: nats-py swallows the cancellation by which one ends its sending.
            async with asyncio.timeout(_ACK_TIMEOUT):
                return await answer
        except TimeoutError as error:
            raise nats.errors.TimeoutError from error
        finally:
            self._mailbox.forget(reply)

    async def _send(self, command: bytes) -> None:
        """As `Client.publish` does at its end: many commands go out with one write."""
        connection = self._connection
        await connection._send_command(command)  # noqa: SLF001
        if connection._flush_queue is not None and connection._flush_queue.empty():  # noqa: SLF001
            await connection._flush_pending()  # noqa: SLF001


class _Mailbox:
    """Where a connection gets its answers: one subscription, a subject under it for each."""

    def __init__(self) -> None:
        self.address = ""
        self._numbers = itertools.count()
        self._expected: dict[str, asyncio.Future[Msg]] = {}

    async def open(self, connection: Client) -> None:
        """Subscribe. Whoever sends meanwhile does so behind the subscription."""
        self.address = connection.new_inbox()
        await connection.subscribe(f"{self.address}.*", cb=self._take)

    def expect(self) -> tuple[str, asyncio.Future[Msg]]:
        """A subject for one answer, and the answer to come."""
        subject = f"{self.address}.{next(self._numbers)}"
        answer = self._expected[subject] = asyncio.get_running_loop().create_future()
        return subject, answer

    def forget(self, subject: str) -> None:
        """Expect it no longer."""
        self._expected.pop(subject, None)

    async def _take(self, message: Msg) -> None:
        answer = self._expected.get(message.subject)
        if answer is not None and not answer.done():
            answer.set_result(message)


_MAILBOXES: WeakKeyDictionary[Client, _Mailbox] = WeakKeyDictionary()


def _header_block(headers: Mapping[str, str]) -> bytes:
    """Headers as NATS has them. Raises RefusedError where a name or a value would be more than one line."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise RefusedError("a header of more than one line")
    return f"NATS/1.0\r\n{lines}\r\n".encode()


def _check(answer: Msg) -> None:
    """Raises what an answer says instead of having stored the message, as nats-py does."""
    if answer.headers and answer.headers.get("Status") == _NO_RESPONDERS:
        raise NoStreamResponseError
    if b'"error"' in answer.data:
        raise APIError.from_error(json.loads(answer.data)["error"])
