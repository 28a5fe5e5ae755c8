"""`python -m functions.tickets.backfill`: let searches find tickets of version 0.1. It may run again at any time."""

import sys

from functions.shared.storage.transaction import Transaction, transaction
from functions.tickets.repository import database, find, save


def main() -> None:
    """Write every ticket's row that has no prefixes, and tell how many there were. MONGO_URI names the database."""
    missing = [str(row["_id"]) for row in database()["tickets"].find({"prefixes": {"$exists": False}}, {"_id": True})]
    for ticket_id in missing:
        _write(ticket_id)
    sys.stdout.write(f"{len(missing)} tickets written\n")


def _write(ticket_id: str) -> None:
    def work(writing: Transaction) -> None:
        if ticket := find(ticket_id, writing):  # else it was deleted just now
            save(ticket, writing)

    transaction(database(), work)


if __name__ == "__main__":
    main()
