"""One client's flood: `python -m tests.faults.floods KIND URL`, until it is killed."""

import asyncio
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp

CLIENTS = 8
CONNECTIONS = 5000  # more than the gateway takes from all clients together
CONNECT_SECONDS = 0.001  # between two
PAUSE_SECONDS = 0.2  # after an error
PASSWORD = "open sesame"

Body = dict[str, str]


async def order_unknown_tickets(url: str) -> None:
    """Ask for orders of tickets that do not exist."""
    await _post_from_all(url, "/api/orders", lambda: {"ticketId": secrets.token_hex(12)})


async def sign_in(url: str) -> None:
    """Sign in as people who do not exist, which costs a hash each time."""
    await _post_from_all(url, "/api/users/signin", _credentials)


async def connect(url: str) -> None:
    """Hold idle connections."""
    address = urlsplit(url)
    held = []
    for _ in range(CONNECTIONS):
        with suppress(OSError):
            held.append(await asyncio.open_connection(address.hostname, address.port))
        await asyncio.sleep(CONNECT_SECONDS)
    await asyncio.Event().wait()


FLOODS = {"unknown tickets": order_unknown_tickets, "sign-ins": sign_in, "connections": connect}


async def _post_from_all(url: str, path: str, body: Callable[[], Body]) -> None:
    async with asyncio.TaskGroup() as clients:
        for _ in range(CLIENTS):
            clients.create_task(_post_forever(url, path, body))


async def _post_forever(url: str, path: str, body: Callable[[], Body]) -> None:
    """Sign up, and post as fast as answers come."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        await _post(session, f"{url}/api/users/signup", _credentials())
        while True:
            await _post(session, f"{url}{path}", body())


async def _post(session: aiohttp.ClientSession, url: str, body: Body) -> None:
    try:
        async with session.post(url, json=body) as answer:
            await answer.read()
    except (aiohttp.ClientError, TimeoutError):
        await asyncio.sleep(PAUSE_SECONDS)


def _credentials() -> Body:
    return {"email": f"{secrets.token_hex(8)}@example.com", "password": PASSWORD}


if __name__ == "__main__":
    asyncio.run(FLOODS[sys.argv[1]](sys.argv[2]))
