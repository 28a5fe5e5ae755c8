"""A guard that keeps the marketplace whole, and how to take it out.

To take a guard out is the only reason for which anything of ours is replaced here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Guard:
    """`take_out` replaces what guards by what a less careful author would have written.

    `finds` is a pattern of what the search then says; a dot stands for anything. Any `seed` finds it in the end, this
    one soon.
    """

    name: str
    finds: str
    take_out: Callable[[pytest.MonkeyPatch], None]
    seed: int = 1
