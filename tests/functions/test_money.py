"""Money alone: what is parsed comes out as it went in."""

import random
from decimal import Decimal

import pytest

from functions.shared.errors import InvalidField
from functions.shared.money import MAX_CENTS, MIN_CENTS, parse_price, to_cents, to_dollars

SAMPLE = [*range(50, 3000), *random.Random(1).sample(range(MIN_CENTS, MAX_CENTS), 20_000), MAX_CENTS]


def test_every_amount_is_read_to_the_cent_and_told_with_two_decimals_at_most() -> None:
    for cents in SAMPLE:
        text = f"{cents // 100}.{cents % 100:02}"
        assert parse_price(text) == parse_price(Decimal(text)) == parse_price(float(text)) == cents
        assert Decimal(str(to_dollars(cents))) == Decimal(text)
        assert to_cents(to_dollars(cents)) == cents


@pytest.mark.parametrize("value", [object(), b"20", (20,), 20j, float("nan"), float("inf"), Decimal("sNaN")])
def test_what_is_no_number_is_no_price(value: object) -> None:
    with pytest.raises(InvalidField, match="Price must be greater than 0"):
        parse_price(value)
