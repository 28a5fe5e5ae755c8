"""What a deployment sets for orders."""

import os
from datetime import timedelta


def window() -> timedelta:
    """Return the time that a buyer has to pay."""
    return timedelta(seconds=float(os.environ.get("EXPIRATION_WINDOW_SECONDS", "900")))


def renewals() -> int:
    """Return how many times an order may be renewed."""
    return int(os.environ.get("RENEWALS", "10"))


def reservations_per_buyer() -> int:
    """Return how many unpaid orders a buyer may have at once."""
    return int(os.environ.get("RESERVATIONS_PER_BUYER", "20"))
