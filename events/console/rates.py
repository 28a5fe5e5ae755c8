"""Rates of what only counts up."""

import time

_SHORTEST, _LONGEST = 0.5, 30.0  # seconds between two looks of which a rate is made


class Rates:
    """How fast named counts grow, from one look to the next."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, int]] = {}

    def of(self, name: str, count: int) -> float | None:
        """Return a count's growth a second since the last look, None if that was too long ago or has not been."""
        now = time.monotonic()
        then, before = self._seen.get(name, (0.0, 0))
        if then and now - then < _SHORTEST:
            return None
        self._seen[name] = now, count
        return (count - before) / (now - then) if then and now - then < _LONGEST and count >= before else None
