"""The body of a request to the ingress, limited in size and time."""

import asyncio
from http import HTTPStatus

from aiohttp import HttpVersion11, web

from events.ingress.admission import RejectedError
from events.runtime.publisher import MAX_EVENT

_TIMEOUT = 30.0  # seconds until the whole body is there


async def read_body(request: web.BaseRequest) -> bytes:
    """Return a request's body; reject one that announces a too large body before it is sent. Raises RejectedError."""
    if (request.content_length or 0) > MAX_EVENT:
        raise too_large(f"{request.content_length} bytes")
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        if request.content.is_eof():  # it came with the headers, the usual case
            return request.content.read_nowait()
        async with asyncio.timeout(_TIMEOUT):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large("the body") from None
    except TimeoutError:
        raise RejectedError(HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {_TIMEOUT:g} s") from None
    except web.RequestPayloadError as error:
        raise RejectedError(HTTPStatus.BAD_REQUEST, "the body is malformed") from error


def too_large(what: str) -> RejectedError:
    """Return the rejection of a request for its size."""
    return RejectedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"too large: {what}; the limit is {MAX_EVENT} bytes")
