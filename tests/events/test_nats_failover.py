"""Relay and bridge with production's three NATS servers, of which they are given one address."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from local import servers
from tests.events.harness import Sink, event
from tests.events.outbox import Service
from tests.events.processes import Process
from tests.eventually import eventually
from tests.manifests.nats_cluster import SIZE, USERS, NatsCluster, password, running_cluster

pytestmark = pytest.mark.slow  # servers are stopped and started again


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[NatsCluster]:
    (tmp_path / "servers").mkdir()
    with running_cluster(tmp_path / "servers") as cluster:
        yield cluster


@pytest.mark.parametrize("way", ["kill", "pause"])
def test_clients_go_to_another_server_and_lose_nothing(
    cluster: NatsCluster, sink: Sink, service: Service, tmp_path: Path, way: str
) -> None:
    """They were given the address of one, and learn of the others, which want the same credentials."""
    bridge = cluster.start_bridge(tmp_path, sink.url)
    bridge.await_ready()
    broker = {"MONGO_URI": service.uri, "BROKER": "ticketing/default"}
    relay = Process("events.relay", {**cluster.environment("orders-relay"), **broker}, tmp_path / "relay.log")
    relay.await_ready()
    commands = [str(process.command_line()) for process in (bridge, relay)]
    for round_ in range(SIZE):
        [left] = [number for number, port in enumerate(cluster.ports) if port in bridge.remote_ports()]
        {"kill": cluster.kill, "pause": cluster.pause}[way](left)
        name = f"{way}-{round_}"
        service.commit(event("dev.ticketing.order.x", id=name, source="/ticketing/orders"))
        eventually(lambda: name in sink.ids)  # noqa: B023 it is called at once
        assert cluster.ports[left] not in bridge.remote_ports()
        {"kill": cluster.start, "pause": cluster.resume}[way](left)
        eventually(lambda: _is_healthy(cluster.monitoring_ports[left]))  # noqa: B023
    assert (relay.terminate(), bridge.terminate()) == (0, 0)
    secrets = [password(user) for user in (*USERS, "routes")]
    shown = [cluster.logs(), cluster.command_lines(), bridge.log, relay.log, *commands]
    assert not [secret for secret in secrets if any(secret in text for text in shown)]


def _is_healthy(monitoring: int) -> bool:
    try:
        answer = requests.get(f"http://{servers.HOST}:{monitoring}/healthz", timeout=30)
    except requests.ConnectionError:
        return False
    return answer.status_code == HTTPStatus.OK
