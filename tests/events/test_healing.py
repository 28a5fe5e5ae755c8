"""A log that loses what it stored, wholly or in part: the outboxes fill it again, and every order still expires."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.events.harness import Answer, Request, Sink, Stage, event
from tests.events.outbox import Service
from tests.events.processes import NatsServer, Process
from tests.eventually import eventually

pytestmark = pytest.mark.slow  # servers are stopped and started again

ORDERED, EXPIRED = "dev.test.ordered", "dev.test.expired"
WINDOW = timedelta(seconds=6)


class Shop:
    """Orders in an outbox, a Trigger whose function answers each with its expiration, and one that expires it."""

    def __init__(self, stage: Stage, service: Service, scheduling: Sink, expiring: Sink) -> None:
        scheduling.answer = _expiration
        stage.trigger("schedule", scheduling, filter={"attributes": {"type": ORDERED}})
        stage.trigger("expire", expiring, filter={"attributes": {"type": EXPIRED}})
        self._service = service
        self._scheduling = scheduling
        self._expiring = expiring
        self.orders: list[str] = []
        self.relay: Process | None = None

    def order(self, count: int, window: timedelta = WINDOW) -> None:
        """Commit orders that expire after a window."""
        expiry = (datetime.now(UTC) + window).isoformat()
        new = [f"order-{len(self.orders) + number}" for number in range(count)]
        self._service.commit(*(event(ORDERED, id=one, data={"expiresAt": expiry}) for one in new))
        self.orders += new

    def settle(self) -> None:
        """Have many orders expire, whose sequences later ones have again if a stream is created again."""
        self.order(30, window=timedelta(seconds=1))
        self.await_expired()

    def await_scheduled(self) -> None:
        """Wait until the function has seen every order."""
        eventually(lambda: set(self._scheduling.ids) >= set(self.orders))

    def await_marked(self) -> None:
        """Wait until the relay knows the streams, and how far they have come."""
        eventually(lambda: self._service.checkpoints(**{"marks.0": {"$exists": True}, "replayFrom": None}) == 1)

    def await_expired(self) -> None:
        """Wait until every order has expired."""
        eventually(lambda: set(self._expiring.ids) >= set(self.orders))


def _expiration(request: Request) -> Answer:
    due = json.loads(request.body)["expiresAt"]
    reply = {"ce-specversion": "1.0", "ce-id": str(request.id), "ce-source": "/test", "ce-type": EXPIRED}
    return Answer(200, {**reply, "ce-notbefore": due})


@pytest.fixture
def shop(private_stage: Stage, service: Service, sink: Sink, other_sink: Sink) -> Shop:
    shop = Shop(private_stage, service, sink, other_sink)
    private_stage.start_bridge()
    shop.relay = service.start_relay(private_stage)
    shop.relay.await_ready()
    return shop


def folder(store: Path, stream: str) -> Path:
    return store / "jetstream" / "$G" / "streams" / stream


def last_block(store: Path, stream: str) -> Path:
    return max(folder(store, stream).glob("msgs/*.blk"), key=lambda path: int(path.stem))


def delete_store(store: Path, _: Stage) -> None:
    shutil.rmtree(store)


def delete_log(store: Path, stage: Stage) -> None:
    shutil.rmtree(folder(store, stage.stream_names.log))


def delete_schedules(store: Path, stage: Stage) -> None:
    shutil.rmtree(folder(store, stage.stream_names.schedules))


def cut_log(store: Path, stage: Stage) -> None:
    block = last_block(store, stage.stream_names.log)
    os.truncate(block, block.stat().st_size - 2_000)


def flip_bytes_in_log(store: Path, stage: Stage) -> None:
    flip(last_block(store, stage.stream_names.log))


def flip_bytes_in_schedules(store: Path, stage: Stage) -> None:
    flip(last_block(store, stage.stream_names.schedules))


def flip(block: Path) -> None:
    content = bytearray(block.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(255 - byte for byte in content[middle : middle + 8])
    block.write_bytes(content)


LOSSES: dict[Callable[[Path, Stage], None], str] = {
    delete_store: "it was created again",
    delete_log: "it was created again",
    delete_schedules: "it was created again",
    cut_log: "",  # what is published before anyone looks may hide it; the overlap heals it all the same
    flip_bytes_in_log: "",
    flip_bytes_in_schedules: "",
}


@pytest.mark.parametrize("damage", LOSSES)
def test_every_order_ends_after_any_loss_in_nats(
    shop: Shop, private_stage: Stage, nats_server: NatsServer, tmp_path: Path, damage: Callable[[Path, Stage], None]
) -> None:
    """Some have expired, some wait to, some are committed while NATS is down, and some as soon as it is back."""
    shop.settle()
    shop.order(8)
    shop.await_scheduled()
    shop.await_marked()
    nats_server.kill()
    damage(tmp_path / "nats", private_stage)
    shop.order(4)
    nats_server.start()
    shop.order(4)
    shop.await_expired()
    assert shop.relay
    assert LOSSES[damage] in shop.relay.log


@pytest.mark.parametrize("stream", ["log", "schedules"])
def test_every_order_ends_when_a_stream_is_removed_under_way(shop: Shop, private_stage: Stage, stream: str) -> None:
    shop.settle()
    shop.order(8)
    shop.await_scheduled()
    shop.await_marked()
    name = {"log": private_stage.stream_names.log, "schedules": private_stage.stream_names.schedules}[stream]
    private_stage.loop.run(private_stage.jetstream.delete_stream(name))
    shop.order(4)
    shop.await_expired()
    assert shop.relay
    assert f'"stream": "{stream}", "reason": "it was created again"' in shop.relay.log


def test_a_log_that_was_cut_gives_functions_only_a_few_events_twice(
    shop: Shop, private_stage: Stage, nats_server: NatsServer, sink: Sink, tmp_path: Path
) -> None:
    """JetStream drops what it still has, though the relay publishes two minutes again."""
    shop.settle()
    shop.await_marked()
    nats_server.kill()
    cut_log(tmp_path / "nats", private_stage)
    nats_server.start()
    shop.order(4)
    shop.await_expired()
    eventually(lambda: shop.relay is not None and "outbox replayed" in shop.relay.log)
    private_stage.await_settled("schedule")
    assert len(sink.ids) - len(set(sink.ids)) <= 8  # 2,000 bytes, and what was under way
