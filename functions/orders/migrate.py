"""`python -m functions.orders.migrate`: prepare the database of orders, see functions/shared/storage/migration.py."""

from functions.orders import repository, tickets
from functions.shared.storage import migration
from functions.shared.storage.database import Documents
from functions.shared.storage.migration import Migration
from functions.shared.storage.retention import mark_final
from functions.shared.web import idempotency

INDEXES = {**repository.INDEXES, **tickets.INDEXES, **idempotency.INDEXES}


def _mark_tombstones(db: Documents) -> int:
    return mark_final(db, "tickets", {"deleted": True})


MIGRATIONS = (Migration("tombstones of tickets end", _mark_tombstones),)


def main() -> None:
    """Migrate the database that MONGO_URI names; end with status 1 if that fails."""
    migration.run(INDEXES, MIGRATIONS)


if __name__ == "__main__":
    main()
