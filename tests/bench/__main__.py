"""`make bench`: figures as ratios within one run, on a machine that does nothing else."""

import os
import platform
import tempfile

from tests.bench import cold_start


def main() -> None:
    """Print what the machine is, then each measurement."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LOCAL_STATE"] = folder
        cold_start.measure()


if __name__ == "__main__":
    main()
