"""The whole Broker in one process: from a POST to its ingress to a sink that does nothing."""

import asyncio
import itertools
import time
from pathlib import Path

import aiohttp
import psutil
import uvloop

from local import servers
from tests.bench import bridging, processes
from tests.servers import running_server

EVENTS, ROUNDS, SENDERS = 10_000, 3, 32
RATES, SECONDS = (300, 1000), 10
IDLE_SECONDS = 10

_numbers = itertools.count()


def measure(folder: Path) -> None:
    """Print rates, processor time, latencies and what it costs to do nothing."""
    print("## The Broker, one process: POST to the ingress, stored, POST to a sink that does nothing")
    uvloop.run(_measure(folder))


async def _measure(folder: Path) -> None:
    nats_port, sink_port, ingress_port = servers.free_ports(3)
    ages = folder / "ages"
    nats, sink = servers.nats_server(nats_port, folder / "nats"), bridging.sink(sink_port, ages)
    with running_server(nats, nats_port), running_server(sink, sink_port):
        url = f"http://{servers.HOST}:{sink_port}/"
        bridge = bridging.bridge(folder, nats_port, url, INGRESS_PORT=str(ingress_port))
        ingress = f"http://{servers.HOST}:{ingress_port}/{bridging.LAYOUT.namespace}/{bridging.LAYOUT.broker}"
        with processes.running(bridge) as process:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=SENDERS)) as session:
                await _until_taken(session, ingress)
                for _ in range(ROUNDS):
                    await _tell_rate(session, process, url, ingress, ages)
                for rate in RATES:
                    bridging.tell_latency(
                        rate, await _paced(session, url, rate, ages), await _paced(session, ingress, rate, ages)
                    )
            await bridging.tell_idle(process, IDLE_SECONDS)


async def _post(session: aiohttp.ClientSession, url: str) -> int:
    headers = {**bridging.ATTRIBUTES, "ce-id": str(next(_numbers))}
    async with session.post(url, data=str(time.time_ns()), headers=headers) as answer:
        await answer.read()
        return answer.status


async def _until_taken(session: aiohttp.ClientSession, ingress: str) -> None:
    while True:
        try:
            if await _post(session, ingress) == 202:
                return
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.1)


async def _tell_rate(
    session: aiohttp.ClientSession, process: psutil.Process, url: str, ingress: str, ages: Path
) -> None:
    bare = await _flood(session, url, ages)
    used = processes.cpu(process)
    rate = await _flood(session, ingress, ages)
    cpu = (processes.cpu(process) - used) / EVENTS
    print(f"bare {bare:6.0f}/s, Broker {rate:5.0f}/s  x{rate / bare:.2f}  {cpu * 1e6:.0f} µs CPU an event")


async def _flood(session: aiohttp.ClientSession, url: str, ages: Path) -> float:
    """Events a second, from the first POST until the sink has the last."""
    wanted = _noted(ages) + EVENTS
    began = time.perf_counter()

    async def some() -> None:
        for _ in range(EVENTS // SENDERS):
            await _post(session, url)

    await asyncio.gather(*(some() for _ in range(SENDERS)), *(_post(session, url) for _ in range(EVENTS % SENDERS)))
    await _until_noted(ages, wanted)
    return EVENTS / (time.perf_counter() - began)


async def _paced(session: aiohttp.ClientSession, url: str, rate: int, ages: Path) -> list[float]:
    """The seconds from each POST until the sink has it, at a steady rate."""
    before, began = _noted(ages), time.perf_counter()

    async def one(number: int) -> None:
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        await _post(session, url)

    await asyncio.gather(*(one(number) for number in range(rate * SECONDS)))
    await _until_noted(ages, before + rate * SECONDS)
    return bridging.read(ages)[before:]


async def _until_noted(ages: Path, count: int) -> None:
    while _noted(ages) < count:  # noqa: ASYNC110 - the sink tells only its file
        await asyncio.sleep(0.02)


def _noted(ages: Path) -> int:
    return ages.read_bytes().count(b"\n")
