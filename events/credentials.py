"""The user that a process is to its database: MONGO_USER and MONGO_PASSWORD, so that MONGO_URI holds no password."""

from collections.abc import Mapping
from typing import Any


def mongo_user(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of a MongoDB client for the user that the environment names; none if it names none.

    The user is one of the database in the URI's path. A user that stands in the URI itself stays as it is.
    """
    user = environment.get("MONGO_USER")
    return {"username": user, "password": environment.get("MONGO_PASSWORD")} if user else {}
