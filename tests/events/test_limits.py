"""What the bridge holds to while NATS is away or deaf, and as it ends."""

import asyncio
import threading
import time

import nats.errors
import pytest

from events.broker import manifest
from events.broker.model import DesiredState
from events.controller.status_writer import StatusWriter
from events.dispatcher import pull
from events.dispatcher.deliveries import Deliveries
from events.dispatcher.reconciler import Reconciler
from events.dispatcher.settings import Settings
from events.dispatcher.subscriber import Subscribers
from events.runtime import publisher
from events.runtime.publisher import MAX_EVENT
from tests.events.given import Given
from tests.events.harness import Answer, Request, Sink, Stage, event
from tests.events.processes import NatsServer
from tests.eventually import eventually

CONCURRENCY = 3
HEARTBEAT_SECONDS = 0.2
ABSENCE_SECONDS = 3.0  # long enough to miss a dozen heartbeats


@pytest.mark.slow
def test_storing_ends_though_nats_takes_nothing(
    private_stage: Stage, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the client keeps unsent: it then waits by itself, and hears of nothing that would end that."""
    monkeypatch.setattr(publisher, "_ACK_TIMEOUT", 1.0)
    stage = private_stage
    nats_server.freeze()
    try:
        for _ in range(8):
            with pytest.raises(nats.errors.Error):
                stage.send(stage.stream_names.event("large"), {}, b"x" * MAX_EVENT)
    finally:
        nats_server.thaw()


@pytest.mark.slow
def test_no_more_at_once_than_a_trigger_allows_after_nats_was_away(
    private_stage: Stage, nats_server: NatsServer, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for meanwhile is not asked for as many times when it is back."""
    monkeypatch.setattr(pull, "_HEARTBEAT", HEARTBEAT_SECONDS)
    stage, under_way, most, guard = private_stage, 0, 0, threading.Lock()

    def slowly(_: Request) -> Answer:
        nonlocal under_way, most
        with guard:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.3)
        with guard:
            under_way -= 1
        return Answer()

    sink.answer = slowly
    stage.trigger("all", sink, {"jetstream.ticketing.dev/concurrency": str(CONCURRENCY)})
    stage.start_bridge()
    nats_server.kill()
    time.sleep(ABSENCE_SECONDS)
    nats_server.start()
    eventually(lambda: stage.connection.is_connected)
    stage.publish(*(event() for _ in range(10 * CONCURRENCY)))
    stage.await_settled("all")
    assert most == CONCURRENCY


@pytest.mark.parametrize("turns", range(4))
def test_ending_though_news_come_at_that_moment(stage: Stage, turns: int) -> None:
    stage.loop.run(_end_with_news(stage, manifest.desired_state(stage.objects), turns))


async def _end_with_news(stage: Stage, desired: DesiredState, turns: int) -> None:
    """By some turns of the loop later than the news."""
    async with Subscribers({}) as subscribers:
        deliveries = Deliveries(stage.connection, subscribers, Settings())
        reconciler = Reconciler(stage.connection, Given(desired), deliveries, Settings())
        leading = asyncio.Event()
        leading.set()
        reporter = StatusWriter(None, leading)  # type: ignore[arg-type]  # it has nothing to say to the API
        tasks = [asyncio.create_task(part.run()) for part in (reconciler, reporter)]
        while not reconciler.ready:  # noqa: ASYNC110 there is no event to wait for
            await asyncio.sleep(0.01)
        reconciler._take(desired)
        reporter.submit(())
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
