"""`python -m functions.tickets.migrate`: prepare the database of tickets, see functions/shared/storage/migration.py."""

from bson import ObjectId
from pymongo import UpdateOne

from functions.shared.storage import migration
from functions.shared.storage.database import Document, Documents
from functions.shared.storage.migration import Migration, pages
from functions.shared.storage.retention import mark_final
from functions.shared.web import idempotency
from functions.tickets import repository, reservations
from functions.tickets.search import prefixes

INDEXES = {**repository.INDEXES, **reservations.INDEXES, **idempotency.INDEXES}


def _add_prefixes(db: Documents) -> int:
    """Let searches find the tickets of version 0.1."""
    missing: Document = {"prefixes": {"$exists": False}}
    changed = 0
    for page in pages(db["tickets"], missing, ["title"]):
        # A ticket that was edited since it was read has its prefixes, or keeps its new title until the next run.
        writes = [UpdateOne({**row, **missing}, {"$set": {"prefixes": prefixes(row["title"])}}) for row in page]
        changed += db["tickets"].bulk_write(writes, ordered=False).modified_count
    return changed


def _mark_sold(db: Documents) -> int:
    """Show the tickets that version 0.1 sold as sold.

    It did not store that an order is paid, but tickets hear of a live order a second time only when it is complete.
    """
    complete: Document = {"live": True, "version": {"$gt": 0}, "paid": {"$exists": False}}
    changed = 0
    for page in pages(db["reservations"], complete, ["ticketId"]):
        held = [{"_id": ObjectId(row["ticketId"]), "orderId": str(row["_id"])} for row in page]
        db["tickets"].bulk_write([UpdateOne(one, {"$set": {"sold": True}}) for one in held], ordered=False)
        paid = [UpdateOne({"_id": row["_id"], **complete}, {"$set": {"paid": True}}) for row in page]
        changed += db["reservations"].bulk_write(paid, ordered=False).modified_count
    return changed


def _mark_final_reservations(db: Documents) -> int:
    return mark_final(db, "reservations", {"$or": [{"live": False}, {"paid": True}]})


MIGRATIONS = (
    Migration("tickets have prefixes", _add_prefixes),
    Migration("sold tickets are sold", _mark_sold),  # before these end
    Migration("final reservations end", _mark_final_reservations),
)


def main() -> None:
    """Migrate the database that MONGO_URI names; end with status 1 if that fails."""
    migration.run(INDEXES, MIGRATIONS)


if __name__ == "__main__":
    main()
