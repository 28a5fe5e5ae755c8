"""The bridge alone: from the log to a sink that does nothing, against a bare loop of POSTs to the same sink."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import nats
import psutil
import uvloop
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from events.broker.subjects import StreamNames
from local import servers
from local.plan import Process
from tests.bench import load, processes
from tests.servers import running_server

EVENTS, ROUNDS, BATCH, CONNECTIONS = 20_000, 3, 500, 16
RATE, PACED = 500, 5_000
IDLE_SECONDS = 5
LAYOUT = StreamNames("bench", "default")
TRIGGER, TYPE = "sink", "dev.ticketing.order.created"
ATTRIBUTES = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/bench",
    "ce-type": TYPE,
    "content-type": "text/plain",
}
Send = Callable[[], Awaitable[object]]


def measure(folder: Path) -> None:
    """Print rates, processor time, latency and memory."""
    print("## The bridge, one process, from the log to a sink that does nothing")
    uvloop.run(_measure(folder))


async def _measure(folder: Path) -> None:
    nats_port, sink_port = servers.free_ports(2)
    nats_server = servers.nats_server(nats_port, folder / "nats")
    with running_server(nats_server, nats_port), running_server(sink(sink_port, folder / "ages"), sink_port):
        url = f"http://{servers.HOST}:{sink_port}/"
        connection = await nats.connect(f"nats://{servers.HOST}:{nats_port}")
        process, jetstream = bridge(folder, nats_port, url), connection.jetstream()
        async with aiohttp.ClientSession(headers=ATTRIBUTES) as session:
            post = _post(session, url)
            for _ in range(ROUNDS):
                bare = await _bare(post)
                rate, cpu = await _drain(process, jetstream)
                print(f"bare {bare:6.0f}/s, bridge {rate:5.0f}/s  x{rate / bare:.2f}  {cpu * 1e6:.0f} µs CPU an event")
            alone = await _latencies(post, folder / "ages")
            with processes.running(process) as running:
                await _until_bound(jetstream)
                await _publish(jetstream)  # until the first one has passed, the bridge is still starting
                await _until_left(jetstream, 0)
                through = await _latencies(lambda: _publish(jetstream), folder / "ages")
                tell_latency(RATE, alone, through)
                await tell_idle(running, IDLE_SECONDS)
        await connection.close()


def sink(port: int, ages: Path) -> list[str]:
    """The command of a sink that notes in a file how old each event is."""
    return [sys.executable, "-m", "tests.bench.sink", str(port), str(ages)]


def bridge(folder: Path, nats_port: int, url: str, **more: str) -> Process:
    """A bridge with one Broker and one Trigger, whose subscriber is at `url`; `more` of its environment."""
    broker = {"metadata": _meta("default", {"eventing.knative.dev/broker.class": "JetStreamBridge"}), "kind": "Broker"}
    spec = {"broker": "default", "filter": {"attributes": {"type": TYPE}}, "subscriber": {"uri": url}}
    trigger = {"metadata": _meta(TRIGGER, {}), "kind": "Trigger", "spec": spec}
    objects = [{"apiVersion": "eventing.knative.dev/v1", **one} for one in (broker, trigger)]
    manifests = folder / "manifests.yaml"
    manifests.write_text("\n---\n".join(json.dumps(one) for one in objects))
    environment = os.environ | {
        "NATS_URL": f"nats://{servers.HOST}:{nats_port}",
        "MANIFESTS": str(manifests),
        "PORT": str(servers.free_port()),
        "HOST": servers.HOST,
        **more,
    }
    return Process("bridge", _no_client_asks, [sys.executable, "-m", "events.bridge"], environment)


def _meta(name: str, annotations: dict[str, str]) -> dict[str, object]:
    return {"name": name, "namespace": LAYOUT.namespace, "annotations": annotations}


async def _no_client_asks() -> bool:
    return True


def _post(session: aiohttp.ClientSession, url: str) -> Send:
    async def post() -> None:
        async with session.post(url, data=str(time.time_ns())) as answer:
            await answer.read()

    return post


async def _publish(jetstream: JetStreamContext) -> None:
    await jetstream.publish(LAYOUT.event(TYPE), str(time.time_ns()).encode(), headers=dict(ATTRIBUTES))


async def _bare(post: Send) -> float:
    async def some() -> None:
        for _ in range(EVENTS // CONNECTIONS):
            await post()

    began = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(CONNECTIONS)))
    return EVENTS / (time.perf_counter() - began)


async def _drain(process: Process, jetstream: JetStreamContext) -> tuple[float, float]:
    """Events a second and processor time an event, as the bridge empties a log that was filled before."""
    with processes.running(process):
        await _until_bound(jetstream)
    for _ in range(EVENTS // BATCH):
        await asyncio.gather(*(_publish(jetstream) for _ in range(BATCH)))
    with processes.running(process) as running:
        await _until_left(jetstream, EVENTS * 9 // 10)
        began, used, start = time.perf_counter(), processes.cpu(running), await _left(jetstream)
        await _until_left(jetstream, EVENTS // 10)
        done = start - await _left(jetstream)
        rate, cpu = done / (time.perf_counter() - began), (processes.cpu(running) - used) / done
        await _until_left(jetstream, 0)
    return rate, cpu


async def _latencies(send: Send, ages: Path) -> list[float]:
    """The seconds from each sending to the sink, at a steady rate."""
    before = len(read(ages))
    began = time.perf_counter()

    async def one(number: int) -> None:
        await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        await send()

    await asyncio.gather(*(one(number) for number in range(PACED)))
    await asyncio.sleep(1)
    return read(ages)[before:]


def read(ages: Path) -> list[float]:
    """What the sink noted so far, in seconds."""
    return [float(line) for line in ages.read_text().splitlines()]


def tell_latency(rate: int, alone: list[float], through: list[float]) -> None:
    """Print what the way through adds to a bare POST at that rate."""
    for part in (0.5, 0.99):
        bare, bridged = load.percentile(alone, part) * 1000, load.percentile(through, part) * 1000
        added = f"{bridged - bare:.2f} ms added"
        print(f"at {rate}/s, p{part * 100:.0f}: POST {bare:.2f} ms, to the sink {bridged:.2f} ms, {added}")


async def tell_idle(process: psutil.Process, seconds: float) -> None:
    """Print what it costs to have nothing to do."""
    used = processes.cpu(process)
    await asyncio.sleep(seconds)
    print(f"idle: {(processes.cpu(process) - used) / seconds:.2%} of a core, {processes.memory(process):.0f} MiB PSS")


async def _until_bound(jetstream: JetStreamContext) -> None:
    while True:
        try:
            await _left(jetstream)
        except NotFoundError:
            await asyncio.sleep(0.1)
        else:
            return


async def _until_left(jetstream: JetStreamContext, count: int) -> None:
    while await _left(jetstream) > count:  # noqa: ASYNC110 - the server tells only who asks
        await asyncio.sleep(0.02)


async def _left(jetstream: JetStreamContext) -> int:
    consumer = await jetstream.consumer_info(LAYOUT.log, LAYOUT.consumer(TRIGGER))
    return (consumer.num_pending or 0) + (consumer.num_ack_pending or 0)
