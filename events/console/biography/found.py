"""An event of the log that concerns an order."""

from dataclasses import dataclass
from typing import Any

from events.catalogue import TYPE_PREFIX
from events.cloudevents.event import Event
from events.console.streams import Stored


@dataclass(slots=True)
class Found:
    """An event of the log that concerns an order, with the object in its data."""

    stored: Stored
    event: Event
    data: dict[str, Any]
    copies: int = 0

    @property
    def name(self) -> str:
        """Its type, without our prefix."""
        return self.event["type"].removeprefix(TYPE_PREFIX)
