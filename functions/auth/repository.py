"""Where accounts are kept: collection `users`."""

from bson import ObjectId
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from functions.auth.domain import Account, EmailInUse, email_key
from functions.shared.storage.database import Documents, ensure_indexes
from functions.shared.storage.transaction import Transaction, transaction
from functions.shared.web import idempotency
from functions.shared.web.http import Answer

INDEXES = {"users": [IndexModel("emailKey", unique=True)]}


def add(account: Account, answer: Answer) -> None:
    """Store a new account, and with it the answer to whoever asked for it.

    Raises:
        EmailInUse: the unique index knows the address.
    """
    row = {
        "_id": ObjectId(account.id),
        "email": account.email,
        "emailKey": email_key(account.email),
        "passwordHash": account.password_hash,
    }

    def work(storing: Transaction) -> None:
        idempotency.keep(answer, storing)
        storing.insert("users", row)

    try:
        transaction(_database(), work)
    except DuplicateKeyError as error:
        raise EmailInUse from error


def find(email: str) -> Account | None:
    """The account of an address."""
    row = _database()["users"].find_one({"emailKey": email_key(email)})
    return Account(str(row["_id"]), row["email"], row["passwordHash"]) if row else None


def _database() -> Documents:
    return ensure_indexes(INDEXES)
