"""Libraries are patched in the versions that the patches were written for; nats-py's are in test_nats_client.py.

When one fails, see if the patch is still needed and still works, run tests/events, and change the version.
"""

from importlib.metadata import version

from events.controller.client import LIGHTKUBE_VERSION
from events.dispatcher.subscriber import AIOHTTP_VERSION


def test_the_version_of_lightkube() -> None:
    assert version("lightkube") == LIGHTKUBE_VERSION


def test_the_version_of_aiohttp() -> None:
    assert version("aiohttp") == AIOHTTP_VERSION
