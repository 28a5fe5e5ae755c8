"""How the reconciler reads JetStream's responses, and in which order it asks."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import nats.errors
import pytest
from nats.js.errors import ServiceUnavailableError

from events.broker import manifest
from events.broker.consumers import ensure_consumer
from events.broker.model import Cleanup, DesiredState, ObservedState
from events.dispatcher import resources
from events.dispatcher.deliveries import Deliveries
from events.dispatcher.pull import Pull
from events.dispatcher.reconciler import Reconciler
from events.dispatcher.settings import Settings
from events.dispatcher.subscriber import Subscribers
from tests.events.given import Given
from tests.events.harness import Sink, Stage

ATTEMPTS = 3


class Watched(Given):
    """Keeps what it is told."""

    def __init__(self, desired: DesiredState) -> None:
        super().__init__(desired)
        self.told: list[ObservedState] = []

    def observe(self, observed_state: ObservedState) -> None:
        """One more."""
        self.told.append(observed_state)


@pytest.fixture
def stage(stage: Stage, sink: Sink) -> Stage:
    """With a Trigger."""
    stage.trigger("all", sink)
    return stage


async def _run(stage: Stage, source: Watched, until: Callable[[Reconciler], bool]) -> Reconciler:
    async with Subscribers({}) as subscribers:
        deliveries = Deliveries(stage.connection, subscribers, Settings(drain=0))
        found = Reconciler(stage.connection, source, deliveries, Settings(drain=0))
        task = asyncio.create_task(found.run())
        async with asyncio.timeout(30):
            while not until(found):  # noqa: ASYNC110 there is no event to wait for
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
    return found


async def _run_to_the_end(stage: Stage) -> None:
    async with Subscribers({}) as subscribers, asyncio.timeout(30):
        deliveries = Deliveries(stage.connection, subscribers, Settings(drain=0))
        source = Watched(manifest.desired_state(stage.objects))
        await Reconciler(stage.connection, source, deliveries, Settings(drain=0)).run()


def test_a_background_task_that_fails_ends_the_process(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the task that keeps them alive, events would be redelivered while they are handled, for good."""

    async def fail(_: Pull) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(Pull, "_refresh", fail)
    with pytest.raises(ExceptionGroup) as raised:
        stage.loop.run(_run_to_the_end(stage))
    assert raised.group_contains(RuntimeError, match="a mistake")


def test_a_missing_response_is_not_an_error_if_it_comes_soon(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that elect the leader of a stream do not respond for some seconds."""
    attempts = itertools.count(1)

    async def ensure_at_last(*given: Any) -> None:  # noqa: ANN401 the arguments of the real one
        if next(attempts) < ATTEMPTS:
            raise ServiceUnavailableError
        await ensure_consumer(*given)

    monkeypatch.setattr(resources, "ensure_consumer", ensure_at_last)
    source = Watched(manifest.desired_state(stage.objects))
    stage.loop.run(_run(stage, source, lambda found: found.ready))
    assert len(source.told) == ATTEMPTS
    assert {word for told in source.told for word in told.errors.values()} == {""}


@pytest.mark.parametrize("silence", [nats.errors.TimeoutError, ServiceUnavailableError])
def test_nothing_is_created_before_a_deleted_broker_is_cleaned_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, silence: type[Exception]
) -> None:
    """Its events are not those of a later Broker of its name."""

    async def remove(*_: object) -> None:
        raise silence

    monkeypatch.setattr(resources, "remove", remove)
    wanted = manifest.desired_state(stage.objects)
    left = Cleanup(stage.stream_names, None, "the-uid-of-an-earlier-one")
    source = Watched(DesiredState(wanted.brokers, wanted.triggers, (left,)))
    found = stage.loop.run(_run(stage, source, lambda _: len(source.told) == ATTEMPTS))
    assert found.brokers == {}
