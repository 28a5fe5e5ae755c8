"""Request that a relay publishes again what its outbox has: `python -m events.relay.replay HOURS [--restored]`.

Environment: MONGO_URI with the service's database in its path; MONGO_USER and MONGO_PASSWORD, where the server wants
them. The relay begins within two seconds, and logs `outbox replayed` at the end.
"""

import argparse
import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from events.credentials import mongo_user
from events.relay.checkpoint import CheckpointStore

_MAX_HOURS = 24 * 7  # what an outbox keeps
_TIMEOUT_SECONDS = 30


def main() -> int:
    """Carry out the command line; return the exit status."""
    options = _parser().parse_args()
    since = datetime.now(UTC) - timedelta(hours=options.hours)
    try:
        asyncio.run(_request(since, restored=options.restored))
    except PyMongoError as error:
        sys.stderr.write(f"replay not requested: {error}\n")
        return 1
    sys.stdout.write(f"the relay publishes again what was committed since {since:%Y-%m-%d %H:%M} UTC\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("replay", description="Have a relay publish again what its outbox has.")
    parser.add_argument("hours", type=_hours, metavar="HOURS", help=f"how far back, at most {_MAX_HOURS}")
    parser.add_argument(
        "--restored", action="store_true", help="forget the position in the change stream: the database was restored"
    )
    return parser


def _hours(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MAX_HOURS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {_MAX_HOURS}")
    return int(text)


async def _request(since: datetime, *, restored: bool) -> None:
    uri, user = os.environ["MONGO_URI"], mongo_user(os.environ)
    async with AsyncMongoClient[dict[str, Any]](uri, timeoutMS=_TIMEOUT_SECONDS * 1000, **user) as client:
        await CheckpointStore(client.get_default_database()).request(since, restored=restored)


if __name__ == "__main__":
    sys.exit(main())
