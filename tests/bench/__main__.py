"""`make bench`: figures as ratios within one run, on a machine that does nothing else."""

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    bridging,
    broker,
    capacity,
    cold_start,
    flooding,
    growth,
    lighthouse,
    marketplace,
    migrating,
    paying,
    replication,
    reserving,
    storefront,
)

MEASUREMENTS: dict[str, Callable[[Path], None]] = {
    "start": lambda _: cold_start.measure(),
    "reserving": reserving.measure,
    "paying": paying.measure,
    "marketplace": marketplace.measure,
    "replication": replication.measure,
    "growth": growth.measure,
    "migrating": migrating.measure,
    "capacity": capacity.measure,
    "flood": flooding.measure,
    "bridge": bridging.measure,
    "broker": broker.measure,
    "storefront": storefront.measure,
    "lighthouse": lighthouse.measure,
}


def main() -> None:
    """Print what the machine is, then the measurements that were asked for, or all."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in sys.argv[1:] or MEASUREMENTS:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["LOCAL_STATE"] = folder
            print()
            MEASUREMENTS[name](Path(folder))


if __name__ == "__main__":
    main()
