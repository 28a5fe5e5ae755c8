"""A source of one wiring."""

from collections.abc import Callable

from events.bridge.resources import Progress, Removal, Wiring


class Given:
    """It wants what it was given, and takes no note of what becomes of it."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def run(self, take: Callable[[Wiring], None]) -> None:
        """Give it once."""
        take(self._wiring)

    def observe(self, _: Progress) -> None:
        """Tests look for themselves."""

    async def has(self, _: Removal) -> bool:
        """What was given stays."""
        return True
