"""The dead letters of a Broker, at a terminal. Environment: NATS_URL, BROKER as `namespace/name`."""

import os
import sys

from events.deadletters import command
from events.subjects import Layout

if __name__ == "__main__":
    sys.exit(command.main(sys.argv[1:], os.environ["NATS_URL"], Layout.parse(os.environ["BROKER"])))
