"""Money: integer cents of US dollars inside, dollars with at most two decimals outside."""

import re
from decimal import Decimal

from functions.shared.errors import InvalidField

# What the card network can charge (Stripe's minimum and maximum for USD).
MIN_CENTS = 50
MAX_CENTS = 99_999_999
CENT = Decimal("0.01")

_PLAIN = re.compile(r"\d+\.?\d*|\.\d+", re.ASCII)  # as forms send what people type: 020, 20. and .5 too


def parse_price(value: object) -> int:
    """Return the cents of a price as clients send it: dollars as a JSON number or as a string of a decimal one.

    Raises:
        InvalidField: the amount cannot be charged.
    """
    dollars = _decimal(value)
    if dollars is None or dollars <= 0:
        raise InvalidField("Price must be greater than 0")
    if dollars > Decimal(MAX_CENTS) / 100:
        raise InvalidField("Price must be at most 999999.99")
    # Rounding tells fractions of a cent from trailing zeros; numbers too large for it are rejected above.
    if (rounded := dollars.quantize(CENT)) != dollars:
        raise InvalidField("Price must have at most two decimals")
    if dollars < Decimal(MIN_CENTS) / 100:
        raise InvalidField("Price must be at least 0.50")
    return int(rounded * 100)


def parse_optional_price(value: object) -> int | None:
    """Return the cents of a price as `parse_price` does, None where no price was sent."""
    return None if value is None else parse_price(value)


def to_dollars(cents: int) -> float:
    """Return the amount as JSON shows it; every amount below 10^13 cents is exact to the cent."""
    return cents / 100


def to_cents(dollars: float) -> int:
    """Return the cents of an amount that `to_dollars` made."""
    return round(dollars * 100)


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() else None
