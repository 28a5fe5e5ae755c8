"""The production overlay's NATS users at work: relay, bridge and operator. `test_nats_cluster` has what each may do."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nats
import pytest
import yaml

from events.broker.subjects import StreamNames
from events.runtime.publisher import Publisher
from local import servers
from local.manifests import parse
from tests.events.harness import Answer, Request, Sink
from tests.events.processes import Process
from tests.eventually import eventually
from tests.manifests.rendering import KNATIVE
from tests.servers import running_server

LAYOUT = StreamNames("ticketing", "default")
USERS = ("tickets-relay", "orders-relay", "payments-relay", "bridge", "operator")
PERMISSIONS = KNATIVE / "overlays/production/nats/users.conf"
BROKER = KNATIVE / "base/eventing/broker.yaml"


class Nats:
    """A NATS server with production's users, whose passwords are their names."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, user: str) -> str:
        """Where a user connects to."""
        return f"nats://{user}:password-of-{user}@{servers.HOST}:{self.port}"

    def publish(self, user: str, subject: str) -> None:
        """Store an event as a user."""
        asyncio.run(self._publish(user, subject))

    async def _publish(self, user: str, subject: str) -> None:
        connection = await nats.connect(self.url(user), inbox_prefix=f"_INBOX.{user}")
        event = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/test", "ce-type": LAYOUT.event_type(subject)}
        await Publisher(connection).store(subject, event, b"{}")
        await connection.close()

    def dead_letters(self, *arguments: str) -> str:
        """What the command for dead letters prints for the operator."""
        environment = {**os.environ, "NATS_URL": self.url("operator"), "BROKER": "ticketing/default"}
        command = [sys.executable, "-m", "events.deadletters", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    folder, port = tmp_path_factory.mktemp("nats"), servers.free_port()
    (folder / "users.conf").write_text(PERMISSIONS.read_text())
    (folder / "nats.conf").write_text(
        f'listen: "{servers.HOST}:{port}"\njetstream {{store_dir: "{folder}"}}\ninclude users.conf\n'
    )
    with pytest.MonkeyPatch.context() as environment:
        for user in USERS:
            environment.setenv(f"{user.upper().replace('-', '_')}_PASSWORD", f"password-of-{user}")
        program = servers.nats_server(port, folder)[0]
        with running_server([program, "--config", str(folder / "nats.conf")], port):
            yield Nats(port)


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture(scope="module", autouse=True)
def bridge(server: Nats, sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The bridge, which makes the streams."""
    folder = tmp_path_factory.mktemp("bridge")
    objects = [*parse(BROKER.read_text()), _trigger("expiration-schedule", sink)]
    (folder / "eventing.yaml").write_text(yaml.safe_dump_all(objects))
    environment = {"NATS_URL": server.url("bridge"), "MANIFESTS": str(folder / "eventing.yaml")}
    process = Process("events.bridge", environment, folder / "log")
    process.await_ready()
    yield process
    process.kill()


def test_a_server_takes_the_configuration_without_users(tmp_path: Path) -> None:
    for file in (KNATIVE / "components/nats").glob("*.conf"):
        (tmp_path / file.name).write_text(file.read_text().replace("/data", str(tmp_path)))

    command = [*servers.nats_server(0, tmp_path)[:1], "-t", "--config", str(tmp_path / "nats.conf")]
    checked = subprocess.run(
        command, env={**os.environ, "POD_NAME": "nats-0"}, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr


def test_the_bridge_delivers_replies_schedules_and_keeps_dead_letters_for_the_operator(
    server: Nats, sink: Sink
) -> None:
    sink.answer = _reply_for_later
    server.publish("orders-relay", LAYOUT.event("dev.ticketing.order.created"))
    eventually(
        lambda: "dev.ticketing.expiration.completed" in [request.headers["ce-type"] for request in sink.requests]
    )

    eventually(lambda: "expiration-schedule" in server.dead_letters("list"))
    sink.answer = lambda _: Answer()
    count = len(sink.requests)
    server.dead_letters("replay", "--all")
    sink.await_requests(count + 1)
    assert "expiration-schedule" not in server.dead_letters("list")


def _trigger(name: str, sink: Sink) -> dict[str, Any]:
    types = ["dev.ticketing.order.created", "dev.ticketing.expiration.completed"]
    filters = [{"any": [{"exact": {"type": one}} for one in types]}]
    subscriber = {"uri": sink.url}
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": {"namespace": "ticketing", "name": name},
        "spec": {"broker": "default", "filters": filters, "subscriber": subscriber},
    }


def _reply_for_later(request: Request) -> Answer:
    """Reply to the first event with one for later, and reject that one."""
    if request.headers["ce-type"] == "dev.ticketing.expiration.completed":
        return Answer(422)
    reply = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/test",
        "ce-type": "dev.ticketing.expiration.completed",
    }
    return Answer(200, {**reply, "ce-notbefore": (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()})
