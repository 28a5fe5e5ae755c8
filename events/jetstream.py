"""Storing in JetStream what must not be lost."""

from collections.abc import Mapping
from typing import Any

from nats.aio.client import Client
from nats.errors import BadHeaderError, BadSubjectError, MaxPayloadError
from nats.js import JetStreamContext
from nats.js.errors import BadRequestError

# Bytes of an event, headers and data. NATS takes messages of 1 MiB unless told otherwise; the rest is left for what
# a dead letter says besides the event.
LARGEST_EVENT = (1 << 20) - (64 << 10)

_ACK_TIMEOUT = 3.0  # seconds
_PROTOCOL_OVERHEAD = 64  # bytes of a message's header block besides names and values


class RefusedError(Exception):
    """A message that JetStream will never store, too large for instance; the message says why."""


class Publisher:
    """Stores messages in JetStream."""

    def __init__(self, connection: Client) -> None:
        self._connection = connection
        self._jetstream: JetStreamContext = connection.jetstream()

    async def store(self, subject: str, headers: Mapping[str, str], data: bytes) -> None:
        """Return once the message is stored, or was before (`Nats-Msg-Id`).

        Raises RefusedError for what can never be stored, and nats.errors.Error for what may be later: no stream,
        a full one, no connection, no answer.
        """
        size = len(data) + sum(len(name) + len(value) + 4 for name, value in headers.items())
        if size > self._connection.max_payload - _PROTOCOL_OVERHEAD:
            # Sent, it would end the connection: the client itself counts the data only.
            raise RefusedError(f"{size} bytes are more than the server takes")
        fields: dict[str, Any] = dict(headers)
        try:
            await self._jetstream.publish(subject, data, timeout=_ACK_TIMEOUT, headers=fields)
        except (MaxPayloadError, BadSubjectError, BadHeaderError) as error:
            raise RefusedError(repr(error)) from error
        except BadRequestError as error:  # larger than the stream takes, for instance
            raise RefusedError(str(error.description)) from error
