"""One replica leads: it acquires, renews and releases the Lease, and steps down before another may take it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from lightkube import AsyncClient

from events.controller import lease
from events.controller.kinds import TRIGGER
from events.controller.lease import Lease
from tests.events.api_server import ApiServer, Instead
from tests.events.broker_env import BrokerEnv, config_of
from tests.events.harness import Sink
from tests.events.loop import Loop
from tests.eventually import eventually

UNAVAILABLE = Instead(500, body=b'{"kind": "Status", "code": 500}')
Start = Callable[[ApiServer], tuple[Lease, Callable[[], None]]]


@pytest.fixture
def start(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a candidate, in seconds that a test has; it ends with the test, or when told."""
    for name, seconds in {"_DURATION": 4, "_RENEW_DEADLINE": 1.0, "_RETRY": 0.2}.items():
        monkeypatch.setattr(lease, name, seconds)

    async def candidate(server: ApiServer) -> tuple[AsyncClient, Lease]:
        client = AsyncClient(config_of(server))
        return client, Lease(client)

    async def lead(client: AsyncClient, made: Lease) -> None:
        try:
            await made.run()
        finally:
            await client.close()

    with ExitStack() as ends:

        def start(server: ApiServer) -> tuple[Lease, Callable[[], None]]:
            client, made = loop.run(candidate(server))
            stop = loop.start(lead(client, made))
            ends.callback(stop)
            return made, stop

        yield start


def test_one_of_two_leads_and_the_other_once_it_stops(api_server: ApiServer, start: Start) -> None:
    first, stop = start(api_server)
    eventually(first.leading.is_set)
    second, _ = start(api_server)
    renewals = len(api_server.requests)
    eventually(lambda: len(api_server.requests) > renewals + 10)
    assert not second.leading.is_set()
    stop()
    assert not first.leading.is_set()
    eventually(second.leading.is_set)
    assert holder(api_server) == second._identity


def test_a_leader_that_cannot_renew_steps_down_before_another_leads(
    api_server: ApiServer, other_api_server: ApiServer, start: Start, loop: Loop
) -> None:
    first, _ = start(api_server)
    eventually(first.leading.is_set)
    second, _ = start(other_api_server)
    api_server.instead = lambda _: UNAVAILABLE

    async def watch() -> bool:
        """Return if both led at a time, once the second does."""
        both = False
        while not second.leading.is_set():
            both = both or (first.leading.is_set() and second.leading.is_set())
            await asyncio.sleep(0.01)
        return both or first.leading.is_set()

    assert not loop.run(watch())
    api_server.instead = lambda _: None
    requests = len(api_server.requests)
    eventually(lambda: len(api_server.requests) > requests + 3)
    assert not first.leading.is_set()


def test_of_two_that_begin_at_once_one_leads(api_server: ApiServer, other_api_server: ApiServer, start: Start) -> None:
    candidates = [start(server)[0] for server in (api_server, other_api_server)]
    eventually(lambda: any(one.leading.is_set() for one in candidates))
    eventually(lambda: len(api_server.requests) > 5 and len(other_api_server.requests) > 5)
    assert sum(one.leading.is_set() for one in candidates) == 1


def test_another_replica_writes_status_once_the_leader_stops(
    own_api_env: BrokerEnv, other_api_server: ApiServer, sink: Sink
) -> None:
    own_api_env.broker()
    own_api_env.trigger("all", subscriber={"uri": sink.url})
    stop = own_api_env.start_bridge()
    own_api_env.await_ready("all")
    own_api_env.start_bridge(other_api_server)
    own_api_env.await_bound("all", 2)
    assert not any("PATCH" in request for request in other_api_server.requests)
    stop()
    own_api_env.trigger("second", subscriber={"uri": sink.url})
    own_api_env.await_ready("second")
    assert any("PATCH" in request and "/triggers/" in request for request in other_api_server.requests)
    assert own_api_env.exists(TRIGGER, "second")


def holder(server: ApiServer) -> object:
    [found] = [item for (resource, _, _), item in server.store._objects.items() if resource.endswith("/leases")]
    return found["spec"]["holderIdentity"]
