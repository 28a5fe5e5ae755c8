"""A source of one desired state."""

from collections.abc import Callable

from events.broker.model import Cleanup, DesiredState, ObservedState


class Given:
    """It wants what it was given, and takes no note of what becomes of it."""

    def __init__(self, desired: DesiredState) -> None:
        self._desired = desired

    async def run(self, take: Callable[[DesiredState], None]) -> None:
        """Give it once."""
        take(self._desired)

    def observe(self, _: ObservedState) -> None:
        """Tests look for themselves."""

    async def has(self, _: Cleanup) -> bool:
        """What was given stays."""
        return True
