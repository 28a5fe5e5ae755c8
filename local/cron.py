"""Runs a command again and again, as a CronJob does in a cluster: `python -m local.cron SECONDS COMMAND ARGUMENT…`."""

import re
import subprocess
import sys
import time

_EVERY_MINUTES = re.compile(r"\*/(\d+) \* \* \* \*")


def interval(schedule: str) -> int:
    """Return the seconds between two runs of a CronJob's schedule.

    Raises:
        ValueError: it is not of the form `*/N * * * *`, the only one that one machine needs.
    """
    if (found := _EVERY_MINUTES.fullmatch(schedule)) is None:
        raise ValueError(f"schedule '{schedule}' is not every so many minutes")
    return 60 * int(found[1])


def main(seconds: str, *command: str) -> None:
    """Run the command after each interval; its output is this process's own."""
    while True:
        time.sleep(float(seconds))
        if status := subprocess.run(command, check=False).returncode:  # noqa: S603 - it is from knative/
            print(f"ended with status {status}; runs again in {seconds} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
