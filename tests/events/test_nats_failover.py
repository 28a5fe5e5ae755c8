"""Relay and bridge with production's three NATS servers, of which they are given one address."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

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
    relay = start_relay(cluster, service, tmp_path)
    commands = [str(process.command_line()) for process in (bridge, relay)]
    for round_ in range(SIZE):
        [left] = [number for number, port in enumerate(cluster.ports) if port in bridge.remote_ports()]
        {"kill": cluster.kill, "pause": cluster.pause}[way](left)
        name = f"{way}-{round_}"
        service.commit(event("dev.ticketing.order.x", id=name, source="/ticketing/orders"))
        eventually(lambda: name in sink.ids)  # noqa: B023 it is called at once
        assert cluster.ports[left] not in bridge.remote_ports()
        {"kill": cluster.start, "pause": cluster.resume}[way](left)
        eventually(lambda: is_healthy(cluster, left))  # noqa: B023
    assert (relay.terminate(), bridge.terminate()) == (0, 0)
    secrets = [password(user) for user in (*USERS, "routes")]
    shown = [cluster.logs(), cluster.command_lines(), bridge.log, relay.log, *commands]
    assert not [secret for secret in secrets if any(secret in text for text in shown)]


@pytest.mark.parametrize("user", ["orders-relay", "bridge", "routes"])
def test_a_password_is_rotated_and_no_event_is_lost(
    cluster: NatsCluster, sink: Sink, service: Service, tmp_path: Path, user: str
) -> None:
    """As docs/operations/keys.md says: change the Secret, restart the servers, then the client."""
    bridge = cluster.start_bridge(tmp_path, sink.url)
    bridge.await_ready()
    relay = start_relay(cluster, service, tmp_path)
    cluster.passwords[user] = "another-password"
    _restart(cluster, at_once=user == "routes")  # servers with different passwords of routes cannot join each other
    service.commit(event("dev.ticketing.order.x", id="meanwhile", source="/ticketing/orders"))
    if user == "bridge":
        bridge.terminate()
        bridge = cluster.start_bridge(tmp_path, sink.url)
    if user == "orders-relay":
        relay.terminate()
        relay = start_relay(cluster, service, tmp_path)

    eventually(lambda: "meanwhile" in sink.ids)

    assert (relay.terminate(), bridge.terminate()) == (0, 0)


def _restart(cluster: NatsCluster, *, at_once: bool) -> None:
    if at_once:
        cluster.close()
    for number in range(SIZE):
        if not at_once:
            cluster.kill(number)
        cluster.start(number)
        if not at_once:
            eventually(lambda: is_healthy(cluster, number))  # noqa: B023 it is called at once


def start_relay(cluster: NatsCluster, service: Service, folder: Path) -> Process:
    """Start a relay of orders, and wait until it is ready."""
    broker = {"MONGO_URI": service.uri, "BROKER": "ticketing/default"}
    relay = Process("events.relay", {**cluster.environment("orders-relay"), **broker}, folder / "relay.log")
    relay.await_ready()
    return relay


def is_healthy(cluster: NatsCluster, number: int) -> bool:
    """Tell whether a server is part of the cluster again."""
    try:
        answer = requests.get(f"http://{cluster.hosts[number]}:{cluster.monitoring_ports[number]}/healthz", timeout=30)
    except requests.ConnectionError:
        return False
    return answer.status_code == HTTPStatus.OK
