"""One stand-in for all tests, new for each."""

import pytest
from stripe import StripeClient

from tests.provider import Provider


@pytest.fixture(autouse=True)
def _in_order(provider: Provider) -> None:
    provider.reset()


@pytest.fixture
def client(provider: Provider) -> StripeClient:
    """The official client; it tries nothing again by itself."""
    return provider.client()
