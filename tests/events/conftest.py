"""Fixtures of the event tests."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube import KubeConfig
from pymongo import MongoClient

from tests.events.api_server import ApiServer
from tests.events.broker_env import BrokerEnv, config_of
from tests.events.dead_letters import rejecting
from tests.events.harness import ACK_WAIT_SECONDS, Sink, Stage, event
from tests.events.loop import Loop
from tests.events.outbox import Service
from tests.events.processes import NatsServer, Process
from tests.eventually import eventually

Start = Callable[..., Process]

# What is under way when a bridge is told to stop has as long as it takes; the end comes as soon as it is done.
PATIENT = {"ACK_WAIT_SECONDS": str(ACK_WAIT_SECONDS), "DRAIN_SECONDS": "60"}


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def stage(loop: Loop, nats_url: str) -> Iterator[Stage]:
    """Yield a Broker of the test's own."""
    stage = Stage(loop, nats_url)
    yield stage
    stage.close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def other_sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """Yield a NATS server that the test may kill."""
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def private_stage(loop: Loop, nats_server: NatsServer) -> Iterator[Stage]:
    """Yield a Broker on a NATS server that the test may kill."""
    stage = Stage(loop, nats_server.url)
    yield stage
    eventually(lambda: stage.connection.is_connected)
    stage.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Yield a function that starts a bridge for a stage's Broker as a process; keyword arguments are environment."""
    started: list[Process] = []

    def start(stage: Stage, **environment: str) -> Process:
        manifests = tmp_path / "manifests.yaml"
        manifests.write_text(yaml.safe_dump_all(stage.objects))
        given = {"NATS_URL": stage.nats_url, "MANIFESTS": str(manifests), **PATIENT, **environment}
        started.append(Process("events.bridge", given, tmp_path / "bridge.log"))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def service(mongo_uri: str, tmp_path: Path) -> Iterator[Service]:
    """Yield a service's database; its relays end with the test."""
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        service = Service(mongo_uri, client.get_default_database(), tmp_path)
        yield service
        for relay in service.relays:
            relay.kill()


@pytest.fixture(scope="session")
def config() -> Iterator[KubeConfig]:
    """Yield how to reach a Kubernetes API: the cluster of KUBECONFIG_FOR_TESTS, which is written to, or `ApiServer`."""
    if path := os.environ.get("KUBECONFIG_FOR_TESTS"):
        yield KubeConfig.from_file(path)
        return
    server = ApiServer()
    yield config_of(server)
    server.stop()


@pytest.fixture
def api_server() -> Iterator[ApiServer]:
    """Yield an API server of the test's own, which it may stop."""
    server = ApiServer()
    yield server
    server.stop()


@pytest.fixture
def other_api_server(api_server: ApiServer) -> Iterator[ApiServer]:
    """Yield another server of the same objects."""
    server = ApiServer(api_server.store)
    yield server
    server.stop()


@pytest.fixture
def own_api_env(loop: Loop, nats_url: str, api_server: ApiServer) -> Iterator[BrokerEnv]:
    """A Kubernetes API of the test's own, which it may stop."""
    broker_env = BrokerEnv(loop, nats_url, config_of(api_server))
    yield broker_env
    broker_env.close()


@pytest.fixture
def own_nats_env(loop: Loop, nats_server: NatsServer, config: KubeConfig) -> Iterator[BrokerEnv]:
    """A NATS server of the test's own, which it may kill."""
    broker_env = BrokerEnv(loop, nats_server.url, config)
    broker_env.define_kinds()
    yield broker_env
    eventually(lambda: broker_env.stage.connection.is_connected)
    broker_env.close()


@pytest.fixture
def broker_env(loop: Loop, nats_url: str, config: KubeConfig) -> Iterator[BrokerEnv]:
    broker_env = BrokerEnv(loop, nats_url, config)
    broker_env.define_kinds()
    yield broker_env
    broker_env.close()


@pytest.fixture
def failed(stage: Stage, sink: Sink, other_sink: Sink) -> Stage:
    """Yield a Broker with dead letters: 1 to 3 are of the Trigger `one` (a, b, c), 4 is of `two` (c)."""
    sink.answer, other_sink.answer = rejecting("a", "b", "c"), rejecting("c")
    stage.trigger("one", sink)
    stage.trigger("two", other_sink, filter={"attributes": {"subject": "shared"}})
    stage.start_bridge()
    for number, given in enumerate([event(id="a"), event(id="b"), event(id="c", subject="shared")], start=1):
        stage.publish(given)
        stage.await_letters(number)
    stage.await_letters(4)
    return stage
