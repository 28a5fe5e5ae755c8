"""Production's three NATS servers: no other server joins, and each user may do what its line in users.conf says."""

import asyncio
import json
import socket
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import nats
import nats.errors
import pytest
import requests
from nats.aio.client import Client

from events.broker.subjects import StreamNames
from events.runtime.connection import Connection
from events.runtime.publisher import MessageRejectedError, Publisher
from local import servers
from tests.events.harness import Sink
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.manifests.nats_cluster import USERS, NatsCluster, launch, password, running_cluster
from tests.servers import await_port

NAMES = StreamNames("ticketing", "default")
TICKET, ORDER, PAYMENT, EXPIRATION = (
    NAMES.event(f"dev.ticketing.{name}") for name in ("ticket.x", "order.x", "payment.x", "expiration.completed")
)
LOG, SCHEDULES, DEAD_LETTERS = NAMES.log, NAMES.schedules, NAMES.dead_letters
EVERYONE = set(USERS)
LAST = "forbidden"  # errors come in order, and the one for this subject last

# Who may publish to a subject. Names of streams and consumers are of none that there are where that would change one.
PUBLISHERS: dict[str, set[str]] = {
    TICKET: {"tickets-relay", "bridge"},
    ORDER: {"orders-relay", "bridge"},
    PAYMENT: {"payments-relay", "bridge"},
    EXPIRATION: {"bridge"},
    NAMES.scheduled("a"): {"bridge"},
    NAMES.due("a"): set(),
    NAMES.dead_letter("a"): {"bridge"},
    NAMES.parked("a"): {"bridge"},
    NAMES.replay("a"): {"operator"},
    f"$JS.API.STREAM.INFO.{LOG}": EVERYONE,
    f"$JS.API.STREAM.INFO.{SCHEDULES}": EVERYONE,
    f"$JS.API.STREAM.INFO.{DEAD_LETTERS}": {"bridge", "operator"},
    "$JS.API.STREAM.CREATE.a": {"bridge"},
    "$JS.API.STREAM.UPDATE.a": {"bridge"},
    "$JS.API.STREAM.DELETE.a": {"bridge"},
    "$JS.API.STREAM.PURGE.a": {"bridge"},
    f"$JS.API.STREAM.MSG.GET.{LOG}": {"bridge"},
    f"$JS.API.STREAM.MSG.GET.{DEAD_LETTERS}": {"bridge", "operator"},
    f"$JS.API.STREAM.MSG.DELETE.{DEAD_LETTERS}": {"operator"},
    f"$JS.API.STREAM.MSG.DELETE.{LOG}": set(),
    f"$JS.API.STREAM.SNAPSHOT.{LOG}": set(),
    f"$JS.API.STREAM.RESTORE.{LOG}": set(),
    "$JS.API.STREAM.NAMES": set(),
    "$JS.API.STREAM.LIST": set(),
    "$JS.API.INFO": set(),
    f"$JS.API.DIRECT.GET.{LOG}": set(),
    f"$JS.API.CONSUMER.CREATE.{LOG}.a": {"bridge"},
    f"$JS.API.CONSUMER.DURABLE.CREATE.{LOG}.a": {"bridge"},
    f"$JS.API.CONSUMER.DELETE.{LOG}.a": {"bridge"},
    f"$JS.API.CONSUMER.MSG.NEXT.{LOG}.a": {"bridge"},
    f"$JS.API.CONSUMER.INFO.{LOG}.a": {"bridge", "operator"},
    f"$JS.ACK.{LOG}.a.1.1.1.1.1": {"bridge"},
    "$SYS.REQ.SERVER.PING": set(),
    "_INBOX.bridge.a": set(),
    "_INBOX.orders-relay.a": set(),
    LAST: set(),
}
SUBSCRIPTIONS = [
    ">", "*.>", "_INBOX.>", "_INBOX.*.*", "_INBOX.other.>", "events.>", "schedules.>", "$JS.ACK.>", "$JS.API.>",
    "$SYS.>", "$JS.EVENT.>",
]  # fmt: skip


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    with running_cluster(tmp_path_factory.mktemp("nats")) as cluster:
        yield cluster


@pytest.fixture(scope="module", autouse=True)
def streams(cluster: NatsCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make production's streams, by its bridge."""
    sink, folder = Sink(), tmp_path_factory.mktemp("bridge")
    process = cluster.start_bridge(folder, sink.url)
    process.await_ready()
    yield
    process.kill()
    sink.close()


@pytest.mark.parametrize(
    ("credentials", "joins"), [("", False), ("routes:guessed@", False), (f"routes:{password('routes')}@", True)]
)
def test_a_server_joins_with_the_password_of_routes_only(
    cluster: NatsCluster, tmp_path: Path, credentials: str, *, joins: bool
) -> None:
    port, routes, monitoring = servers.free_ports(3)
    (tmp_path / "nats.conf").write_text(
        f'listen: "{servers.HOST}:{port}"\nhttp: "{servers.HOST}:{monitoring}"\n'
        f'cluster {{name: ticketing, listen: "{servers.HOST}:{routes}", '
        f"routes: [nats://{credentials}{servers.HOST}:{cluster.route_ports[0]}]}}"
    )
    process = launch(tmp_path, {})
    try:
        await_port(process, port)
        eventually(lambda: "Authorization Violation" in (tmp_path / "log").read_text() or _routes(monitoring) > 0)
        assert (_routes(monitoring) > 0) == joins
    finally:
        process.kill()
        process.wait()


def _routes(monitoring: int) -> int:
    return int(requests.get(f"http://{servers.HOST}:{monitoring}/routez", timeout=30).json()["num_routes"])


@pytest.mark.parametrize("user", USERS)
def test_a_user_publishes_to_the_subjects_of_its_line(cluster: NatsCluster, user: str) -> None:
    async def publish() -> set[str]:
        errors: list[str] = []
        connection = await _connect(cluster, user, errors)
        for subject in PUBLISHERS:
            await connection.publish(subject, b"")
        return await _allowed(connection, PUBLISHERS, errors)

    assert asyncio.run(publish()) == {subject for subject, users in PUBLISHERS.items() if user in users}


@pytest.mark.parametrize("user", USERS)
def test_a_user_reads_its_own_inbox_only(cluster: NatsCluster, user: str) -> None:
    subjects = [*(f"_INBOX.{one}.>" for one in USERS), *SUBSCRIPTIONS, LAST]

    async def subscribe() -> set[str]:
        errors: list[str] = []
        connection = await _connect(cluster, user, errors)
        for subject in subjects:
            await connection.subscribe(subject)
        return await _allowed(connection, subjects, errors)

    assert asyncio.run(subscribe()) == {f"_INBOX.{user}.>"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Nats-Rollup": "all"},
        {"Nats-TTL": "1s"},
        {"Nats-Schedule": "@at 2030-01-01T00:00:00Z", "Nats-Schedule-Target": PAYMENT},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_header_lets_a_publisher_change_the_log(cluster: NatsCluster, headers: dict[str, str]) -> None:
    async def store() -> None:
        connection = Connection()
        await connection.open(cluster.address("tickets-relay"), "test")
        try:
            await Publisher(connection).store(TICKET, headers, b"{}")
        finally:
            await connection.close()

    with pytest.raises((MessageRejectedError, nats.errors.Error)):
        asyncio.run(store())


@pytest.mark.parametrize(
    "credentials",
    [{"user": "bridge", "pass": "guessed"}, {"user": "bridge"}, {"auth_token": password("bridge")}, {}],
    ids=["another password", "no password", "a token", "nothing"],
)
def test_no_client_connects_without_its_password(cluster: NatsCluster, credentials: dict[str, str]) -> None:
    with socket.create_connection((servers.HOST, cluster.ports[0]), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(f"CONNECT {json.dumps(credentials)}\r\nPING\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b"Authorization Violation" in answer


async def _connect(cluster: NatsCluster, user: str, errors: list[str]) -> Client:
    async def note(error: Exception) -> None:
        errors.append(str(error).lower())

    address = cluster.address(user)
    return await nats.connect(address.url, user=user, password=address.password, error_cb=note)


async def _allowed(connection: Client, subjects: Iterable[str], errors: Sequence[str]) -> set[str]:
    """Close the connection once all errors are there, and return the subjects without one."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(f'"{LAST}"' in error for error in errors):  # noqa: ASYNC110 a callback of nats-py fills it
            await asyncio.sleep(0.01)
    await connection.close()
    return {subject for subject in subjects if not any(f'"{subject}"'.lower() in error for error in errors)}
