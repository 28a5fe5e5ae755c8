"""The functions, one a file. A serving process collects no garbage while it imports, since imports leave none."""

import gc
import os


def _end_start() -> None:
    """Turn garbage collection on for workers, and exempt what was imported: they share its memory."""
    gc.freeze()
    gc.enable()


if "FUNCTION_SOURCE" in os.environ:
    gc.disable()
    os.register_at_fork(before=_end_start)  # gunicorn forks a worker when the function is imported
