"""The end of a function's start."""

import gc


def finish() -> None:
    """Turn garbage collection on, if functions/__init__.py turned it off, and exempt what was imported from it."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
