"""Probes see what works, and whether what answers does what it is for."""

import asyncio

import pytest

from local import servers
from local.probes import Probe, both, http, mongo, mongo_storage, nats


def test_an_http_server_is_ready_with_the_status_that_is_expected() -> None:
    """The bridge's ingress rejects an invalid event with 400 once its Broker has streams; until then it says 503."""

    async def probe(status: bytes, expected: int) -> bool:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert (await reader.readline()).startswith(b"POST /ticketing/default HTTP/1.1")
            writer.write(b"HTTP/1.1 " + status + b"\r\n\r\n")
            writer.close()

        port = servers.free_port()
        async with await asyncio.start_server(answer, servers.HOST, port):
            return await http(servers.HOST, port, "/ticketing/default", "POST", expected)()

    assert asyncio.run(probe(b"400 Bad Request", 400))
    assert not asyncio.run(probe(b"503 Service Unavailable", 400))
    assert not asyncio.run(probe(b"404 Not Found", 400))
    assert not asyncio.run(probe(b"500 for 200 reasons", 200))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_both_probes_must_succeed(*, first: bool, second: bool) -> None:
    async def one() -> bool:
        return first

    async def other() -> bool:
        return second

    assert run(both(one, other)) is (first and second)


def test_a_server_that_is_not_there_is_not_ready() -> None:
    port = servers.free_port()

    assert not run(http(servers.HOST, port, "/healthz"))
    assert not run(nats(f"nats://{servers.HOST}:{port}"))


def test_servers_that_work_are_ready(nats_url: str, mongo_server: str) -> None:
    assert run(nats(nats_url))
    assert run(mongo(mongo_server))
    assert run(mongo_storage(mongo_server))


def run(probe: Probe) -> bool:
    async def ask() -> bool:
        return await probe()

    return asyncio.run(ask())
