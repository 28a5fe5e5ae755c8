"""Ports for servers that start on one machine at the same time."""

import os
from pathlib import Path

import pytest

from local import servers
from local.plan import Plan
from local.state import State

pytestmark = pytest.mark.slow

GATEWAYS = 20_500


def test_no_process_of_a_stack_gets_the_port_of_its_gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOCAL_STATE", str(tmp_path))
    monkeypatch.delenv(servers.PORT_LANE)
    monkeypatch.setattr(servers, "UNPRIVILEGED_AND_NOT_EPHEMERAL", range(GATEWAYS - 100, GATEWAYS + 100))

    for _ in range(20):
        plan = Plan(State(), GATEWAYS)
        told = [told for stage in plan.stages[:-1] for process in stage for told in ports_of(process.environment)]
        assert str(GATEWAYS) not in told


def ports_of(environment: dict[str, str]) -> list[str]:
    return [value for name, value in environment.items() if name.endswith("PORT")]


@pytest.mark.parametrize("lane", ["0", "3"])
def test_lanes_never_give_the_same_port(monkeypatch: pytest.MonkeyPatch, lane: str) -> None:
    monkeypatch.setattr(servers, "UNPRIVILEGED_AND_NOT_EPHEMERAL", range(10_000, 20_000))  # where no process starts now
    monkeypatch.setenv(servers.PORT_LANE, lane)
    ours = set(servers.free_ports(150))
    monkeypatch.setenv(servers.PORT_LANE, str(int(lane) + 1))

    assert ours.isdisjoint(servers.free_ports(150))


def test_a_port_that_was_given_of_late_is_not_given_again() -> None:
    ours = [servers.free_port() for _ in range(100)]

    assert len(set(ours)) == len(ours)


def test_each_worker_of_a_test_run_has_a_lane_of_its_own() -> None:
    """Workers inherit what was set in the process that started them."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")

    assert os.environ[servers.PORT_LANE] == worker.removeprefix("gw")
