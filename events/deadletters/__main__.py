"""Manage the dead letters of a Broker at a terminal.

Environment: NATS_URL; NATS_USER and NATS_PASSWORD, if NATS wants them; BROKER as `namespace/name`.
"""

import os
import sys

from events.broker.subjects import StreamNames
from events.deadletters import command
from events.runtime.address import NatsAddress


def main() -> int:
    """Carry out the command line; return the exit status."""
    missing = [name for name in ("NATS_URL", "BROKER") if not os.environ.get(name)]
    if missing:
        sys.exit(f"{' and '.join(missing)} must be set in the environment")
    return command.main(sys.argv[1:], NatsAddress.from_environment(os.environ), StreamNames.parse(os.environ["BROKER"]))


if __name__ == "__main__":
    sys.exit(main())
