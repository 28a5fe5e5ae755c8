"""`python -m functions.payments.migrate`: prepare payments' database, see functions/shared/storage/migration.py."""

from functions.payments import repository
from functions.shared.clock import now
from functions.shared.storage import migration
from functions.shared.storage.database import Documents
from functions.shared.storage.migration import Migration, pages
from functions.shared.web import idempotency

INDEXES = {**repository.INDEXES, **idempotency.INDEXES}


def _mark_unpaid_orders(db: Documents) -> int:
    """Let cancelled orders without a payment end a month from now."""
    unmarked = {"status": "cancelled", "finalAt": {"$exists": False}}
    changed = 0
    for page in pages(db["orders"], unmarked, ["_id"]):
        ids = [str(row["_id"]) for row in page]
        paid = set(db["payments"].distinct("orderId", {"orderId": {"$in": ids}}))
        unpaid = [row["_id"] for row in page if str(row["_id"]) not in paid]
        changed += (
            db["orders"].update_many({**unmarked, "_id": {"$in": unpaid}}, {"$set": {"finalAt": now()}}).modified_count
        )
    return changed


MIGRATIONS = (Migration("cancelled orders without a payment end", _mark_unpaid_orders),)


def main() -> None:
    """Migrate the database that MONGO_URI names; end with status 1 if that fails."""
    migration.run(INDEXES, MIGRATIONS)


if __name__ == "__main__":
    main()
