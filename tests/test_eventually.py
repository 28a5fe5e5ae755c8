"""A wait that fails says what it last saw."""

import pytest

from tests.eventually import eventually


def test_a_wait_ends_as_soon_as_its_condition_holds() -> None:
    tries = iter([False, False, True])

    eventually(lambda: next(tries), patience=60)

    assert list(tries) == []


def test_a_wait_that_fails_shows_both_sides_of_the_comparison() -> None:
    orders = {"first": "created"}

    with pytest.raises(AssertionError) as failed:
        eventually(lambda: orders["first"] == "cancelled" and orders, patience=0)

    assert "not within 0 s: orders[" in str(failed.value)
    assert "orders['first'] is 'created'" in str(failed.value)


def test_a_wait_that_fails_shows_the_variables_of_what_is_no_comparison() -> None:
    lines = ["one", "two"]

    with pytest.raises(AssertionError, match=r"lines is \['one', 'two'\]"):
        eventually(
            lambda: any(
                "three" in line  # over several lines, as the formatter breaks them
                for line in lines
            ),
            patience=0,
        )


def test_a_wait_that_fails_shows_what_a_variable_of_its_own_was() -> None:
    for kind in ("ticket",):
        with pytest.raises(AssertionError, match="kind is 'ticket'"):
            eventually(lambda kind=kind: kind == "order", patience=0)  # type: ignore[misc]  # a lambda's default


def test_a_wait_for_a_function_names_it() -> None:
    def listens() -> bool:
        return False

    with pytest.raises(AssertionError, match="listens"):
        eventually(listens, patience=0)


def test_what_cannot_be_looked_at_again_hides_nothing_else() -> None:
    tries, orders = iter([0]), ["first"]
    seen = r"(?s)next\(tries\) is not to be seen: StopIteration.*orders is \['first'\]"

    with pytest.raises(AssertionError, match=seen):
        eventually(lambda: next(tries) or orders == [], patience=-1)
