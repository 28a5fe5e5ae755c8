"""Settings that a process checks when it starts."""

import os
from collections.abc import Callable

from functions.shared import log


def check(variable: str, read: Callable[[str], object]) -> None:
    """End the process if a variable is set to what `read` rejects with a ValueError.

    For the top level of a module. That a variable is missing is for the manifests to prevent.
    """
    if variable not in os.environ:
        return
    try:
        read(os.environ[variable])
    except ValueError as error:
        log.error(f"{variable} cannot be used: {error}; the process ends", variable=variable)
        raise SystemExit(1) from None
