"""Sends requests from several connections, as fast as they are answered or at a given rate."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import aiohttp

CONNECTIONS = 16


@dataclass(frozen=True)
class Request:
    """One request with a JSON body, or none, and headers in addition to those of all requests."""

    method: str
    url: str
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """How a load went: answers by status, the seconds that each took, and how long all took."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    def per_second(self, status: int) -> float:
        """How many answers of that status came a second."""
        return self.statuses[status] / self.elapsed


def drive(
    requests: Iterable[Request], headers: Mapping[str, str], *, rate: float = 0, seconds: float = 3600
) -> Outcome:
    """Send the requests until they or the seconds run out; `rate` is per second, 0 as fast as can be."""
    return asyncio.run(drive_on(requests, headers, rate=rate, seconds=seconds))


def percentile(values: list[float], part: float) -> float:
    """The value below which that part of the values lies."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


async def drive_on(
    requests: Iterable[Request], headers: Mapping[str, str], *, rate: float = 0, seconds: float = 3600
) -> Outcome:
    """The same, on a loop that runs already."""
    outcome = Outcome()
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=1.0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        began = time.perf_counter()
        numbered = zip(itertools.count(), requests, strict=False)
        due = ((began + (number / rate if rate else 0), request) for number, request in numbered)
        in_time = itertools.takewhile(lambda _: time.perf_counter() < began + seconds, due)
        await asyncio.gather(*(_send(session, in_time, outcome) for _ in range(CONNECTIONS)))
        outcome.elapsed = time.perf_counter() - began
    return outcome


async def _send(session: aiohttp.ClientSession, due: Iterator[tuple[float, Request]], outcome: Outcome) -> None:
    for moment, request in due:
        await asyncio.sleep(max(0.0, moment - time.perf_counter()))
        sent = time.perf_counter()
        async with session.request(request.method, request.url, json=request.body, headers=request.headers) as answer:
            await answer.read()
        outcome.statuses[answer.status] += 1
        outcome.latencies.append(time.perf_counter() - sent)
