"""`python -m functions.auth.migrate`: prepare the database of auth, see functions/shared/storage/migration.py."""

from functions.auth import attempts, repository
from functions.shared.storage import migration
from functions.shared.web import idempotency

INDEXES = {**repository.INDEXES, **attempts.INDEXES, **idempotency.INDEXES}
MIGRATIONS = ()


def main() -> None:
    """Migrate the database that MONGO_URI names; end with status 1 if that fails."""
    migration.run(INDEXES, MIGRATIONS)


if __name__ == "__main__":
    main()
