"""Brokers and Triggers as the Kubernetes API has them, read now and again: the console changes nothing there."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from lightkube import AsyncClient

from events.broker import manifest
from events.broker.model import DesiredState
from events.controller.client import client
from events.controller.kinds import BROKER, TRIGGER

_log = logging.getLogger(__name__)

_API_VERSION = "eventing.knative.dev/v1"
_INTERVAL = 15.0  # seconds


class Declared:
    """The Brokers and Triggers of one namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    async def run(self, take: Callable[[DesiredState], None]) -> None:
        """Call `take` with the desired state every 15 seconds, until cancelled; not while the API does not respond."""
        api = client()
        while True:
            try:
                take(manifest.desired_state(await self._objects(api)))
            except Exception as error:  # noqa: BLE001 any response but the objects
                _log.warning("Triggers could not be read; retrying", extra={"reason": repr(error)})
            await asyncio.sleep(_INTERVAL)

    async def _objects(self, api: AsyncClient) -> list[dict[str, Any]]:
        """Return the objects, each with its kind, which the items of a list lack."""
        kinds = {"Broker": BROKER, "Trigger": TRIGGER}
        return [
            {**item, "apiVersion": _API_VERSION, "kind": name}
            for name, kind in kinds.items()
            async for item in api.list(kind, namespace=self._namespace)
        ]
