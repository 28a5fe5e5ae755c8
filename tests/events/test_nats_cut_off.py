"""Relay and bridge when the NATS server that they are connected to is cut off: no packet comes back, and no reset.

Its address is removed from the machine, which needs a network of the test's own: `unshare` gives one without root where
the kernel lets it, and a second pytest runs this file there.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.events.harness import Sink, event
from tests.events.outbox import Service
from tests.events.test_nats_failover import is_healthy, start_relay
from tests.eventually import eventually
from tests.manifests.nats_cluster import SIZE, NatsCluster, running_cluster

pytestmark = pytest.mark.slow

INSIDE = "NETWORK_OF_ITS_OWN"
HOSTS = ("10.201.0.1", "10.201.0.2", "10.201.0.3")
ISOLATED = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


@pytest.mark.skipif(INSIDE in os.environ, reason="this is the network of its own")
def test_in_a_network_of_its_own() -> None:
    try:
        subprocess.run([*ISOLATED, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("unshare gives no network of its own here")
    command = [*ISOLATED, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(command, env={**os.environ, INSIDE: "1"}, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[NatsCluster]:
    for host in HOSTS:
        _ip("address", "add", f"{host}/32", "dev", "lo")
    (tmp_path / "servers").mkdir()
    with running_cluster(tmp_path / "servers", HOSTS) as cluster:
        yield cluster


@pytest.mark.skipif(INSIDE not in os.environ, reason="the test above runs it")
def test_clients_leave_a_server_that_is_cut_off_and_lose_nothing(
    cluster: NatsCluster, sink: Sink, service: Service, tmp_path: Path
) -> None:
    bridge = cluster.start_bridge(tmp_path, sink.url)
    bridge.await_ready()
    relay = start_relay(cluster, service, tmp_path)
    for round_ in range(SIZE):
        [left] = [number for number, port in enumerate(cluster.ports) if port in bridge.remote_ports()]
        _ip("address", "delete", f"{HOSTS[left]}/32", "dev", "lo")
        name = f"round-{round_}"
        service.commit(event("dev.ticketing.order.x", id=name, source="/ticketing/orders"))
        eventually(lambda: name in sink.ids)  # noqa: B023 it is called at once
        _ip("address", "add", f"{HOSTS[left]}/32", "dev", "lo")
        eventually(lambda: is_healthy(cluster, left))  # noqa: B023
    assert (relay.terminate(), bridge.terminate()) == (0, 0)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
