"""How tests are spread over workers."""

import os

import pytest


@pytest.fixture(scope="module")
def shared() -> object:
    """Stand for what a module's tests share, a server for instance."""
    return object()


@pytest.mark.usefixtures("shared")
def test_tests_that_share_a_fixture_are_a_group_of_one_worker(request: pytest.FixtureRequest) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("there is one process only")
    assert request.node.nodeid.endswith("@tests/test_workers.py")
