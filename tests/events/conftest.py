"""Fixtures of the event tests."""

from collections.abc import Iterator

import pytest

from tests.events.harness import Loop, Sink, Stage


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def stage(loop: Loop, nats_url: str) -> Iterator[Stage]:
    """A Broker of the test's own."""
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
