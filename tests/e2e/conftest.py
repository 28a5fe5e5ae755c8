"""One stack for all tests that leave it as they found it; starting one takes seconds."""

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack, running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack whose orders do not expire during a test."""
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started
