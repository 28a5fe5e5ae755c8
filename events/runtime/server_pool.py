"""The servers that a NATS client may connect to, in the order in which to try them."""

import asyncio
import ipaddress
import random
import time
from collections.abc import Iterable
from urllib.parse import urlparse

from nats.aio.client import Srv

_RESOLVE_TIMEOUT = 1.0  # seconds


class ServerPool:
    """The addresses that the name in a URL stands for now, and those that the last server announced.

    nats-py itself waits for the first address of a name, keeps every server that was ever announced, and may try the
    one again that it has just left. Here a name is resolved for each attempt, and the server comes next that was tried
    longest ago. While a name cannot be resolved, its last addresses are used.
    """

    def __init__(self, url: str) -> None:
        self._uri = urlparse(url if "://" in url else f"nats://{url}")
        self._port = self._uri.port or 4222
        self._resolved = [self._netloc(str(self._uri.hostname), self._port)]
        self._announced: list[str] = []
        self._attempts: dict[str, float] = {}

    def tell(self, addresses: Iterable[str]) -> None:
        """Replace what a server announced before, each as `host:port`."""
        self._announced = list(addresses)

    async def next(self, pause: float) -> Srv:
        """Return the next server to try, after a pause if that one was tried less than `pause` seconds ago."""
        await self._resolve()
        candidates = list(dict.fromkeys([*self._resolved, *self._announced]))
        self._attempts = {one: time for one, time in self._attempts.items() if one in candidates}
        random.shuffle(candidates)  # clients that lose a server together do not all go to the same one
        chosen = min(candidates, key=lambda one: self._attempts.get(one, 0.0))
        await asyncio.sleep(max(0.0, self._attempts.get(chosen, -pause) + pause - time.monotonic()))
        self._attempts[chosen] = time.monotonic()
        server = Srv(self._uri._replace(netloc=chosen))
        server.tls_name = self._uri.hostname
        return server

    async def _resolve(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_RESOLVE_TIMEOUT):
                found = await loop.getaddrinfo(str(self._uri.hostname), self._port, type=1)
        except (OSError, TimeoutError):
            return
        self._resolved = [self._netloc(str(address[0]), self._port) for *_, address in found]

    @staticmethod
    def _netloc(host: str, port: int) -> str:
        try:
            is_v6 = ipaddress.ip_address(host).version == 6  # noqa: PLR2004 that is its name
        except ValueError:
            is_v6 = False
        return f"[{host}]:{port}" if is_v6 else f"{host}:{port}"
