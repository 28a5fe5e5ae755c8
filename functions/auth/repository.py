"""Where accounts are stored: collection `users`."""

from typing import TypedDict

from bson import ObjectId
from pymongo import IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from functions.auth.domain import Account, EmailInUse, email_key
from functions.shared.storage.database import collection, database
from functions.shared.storage.indexes import require_indexes
from functions.shared.storage.transaction import Step, Transaction, transaction

# This index lets an address have one account only, under any concurrency.
INDEXES = {"users": [IndexModel("emailKey", unique=True)]}


class UserRow(TypedDict):
    """An account; `emailKey` is what makes two addresses the same, `passwordHash` an argon2id string."""

    _id: ObjectId
    email: str
    emailKey: str
    passwordHash: str


def add(account: Account, also: Step) -> None:
    """Store a new account, and do `also` in the same transaction.

    Raises:
        EmailInUse: the unique index has the address.
    """
    row: UserRow = {
        "_id": ObjectId(account.id),
        "email": account.email,
        "emailKey": email_key(account.email),
        "passwordHash": account.password_hash,
    }

    def work(adding: Transaction) -> None:
        also(adding)
        adding.insert("users", row)

    try:
        transaction(require_indexes(INDEXES), work)
    except DuplicateKeyError as error:
        raise EmailInUse from error


def find(email: str) -> Account | None:
    """Return the account of an address, None if there is none."""
    row = _users().find_one({"emailKey": email_key(email)})
    return Account(str(row["_id"]), row["email"], row["passwordHash"]) if row else None


def _users() -> Collection[UserRow]:
    return collection(database(), "users", UserRow)
