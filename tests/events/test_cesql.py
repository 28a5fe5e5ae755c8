"""CloudEvents SQL: what lets an event pass, what does not, and what is malformed."""

import pytest

from events.broker.filters.cesql import predicate
from events.cloudevents.event import Event
from events.cloudevents.messages import read_row
from tests.events.harness import event

HAPPENED = read_row(event("dev.test.happened", source="/test/ü", subject="7%", count=-5, flag=True))
LONG = read_row(event(long="a" * 30_000))

TRUE = [
    "TRUE",
    "type = 'dev.test.happened'",
    'type = "dev.test.happened" AND source = "/test/ü"',
    "TYPE <> 'x' and Source != 'y'",
    "EXISTS subject AND NOT EXISTS absent",
    "NOT (EXISTS absent)",
    "TRUE OR absent = 'x'",
    "FALSE OR TRUE AND TRUE",
    "1",
    "TRUE XOR FALSE",
    "flag",
    "flag = TRUE",
    "count = -5",
    "count + 7 = 2",
    "count - -5 = 0",
    "1 + 2 * 3 = 7",
    "(1 + 2) * 3 = 9",
    "10 - 3 - 2 = 5",
    "-7 / 2 = -3",
    "-7 % 2 = -1",
    "count < 0 AND count <= -5 AND 0 > count AND -5 >= count",
    "type LIKE 'dev.%'",
    "type LIKE '%.test.%ened'",
    "type LIKE 'dev_test_happened'",
    "type NOT LIKE 'dev'",
    r"subject LIKE '7\%'",
    r"subject NOT LIKE '7\_'",
    "type IN ('a', 'dev.test.happened')",
    "subject NOT IN ('a', 'b')",
    "5 IN ('4', '5')",
    "'it\\'s' = \"it's\"",
    "LENGTH(subject) = 2",
    "UPPER(LEFT(type, 3)) = 'DEV'",
    "lower(RIGHT('ABC', 2)) = 'bc'",
    "RIGHT('abc', 9) = 'abc' AND RIGHT('abc', 0) = ''",
    "SUBSTRING('abc', 2) = 'bc' AND SUBSTRING('abc', -2, 1) = 'b' AND SUBSTRING('abc', 0) = ''",
    "CONCAT() = '' AND CONCAT('a', 1, TRUE) = 'a1true'",
    "CONCAT_WS('-', 'a', 'b') = 'a-b' AND TRIM('  a ') = 'a'",
    "ABS(count) = 5 AND INT('-1') = -1 AND BOOL('TRUE') AND STRING(1) = '1'",
    "IS_INT(count) AND NOT IS_INT(type) AND IS_BOOL(flag) AND NOT IS_BOOL(type)",
]
FALSE = [
    "FALSE",
    "FALSE AND TRUE OR TRUE",
    "type = 'other'",
    "absent = 'x'",
    "NOT (absent = 'x')",
    "absent <> 'x'",
    "type",
    "type = 5",
    "type AND TRUE",
    "1 / 0 = 0",
    "1 % 0 = 0",
    "2147483647 + 1 > 0",
    "LEFT(type, -1) = ''",
    "SUBSTRING('abc', 4) = ''",
    "ABS(-2147483648) > 0",
    "type LIKE ''",
]
WRONG = [
    "",
    "type =",
    "= 'a'",
    "(TRUE",
    "TRUE)",
    "TRUE TRUE",
    "'open",
    "type LIKE source",
    "type NOT 'a'",
    "type IN ()",
    "EXISTS 'type'",
    "NOWHERE(type)",
    "LENGTH()",
    "LENGTH(type, type)",
    "a.b = 'c'",
    "type = 'a'; TRUE",
    "(" * 5_000,
    "NOT " * 5_000 + "TRUE",
    "1" + " + 1" * 5_000 + " = 1",
]


@pytest.mark.parametrize("text", TRUE)
def test_what_lets_an_event_pass(text: str) -> None:
    assert predicate(text)(HAPPENED)


@pytest.mark.parametrize("text", FALSE)
def test_what_does_not_or_has_no_value(text: str) -> None:
    assert not predicate(text)(HAPPENED)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ValueError, match="cesql"):
        predicate(text)


def test_the_largest_expressions_have_a_value() -> None:
    assert predicate("NOT " * 248 + "TRUE")(HAPPENED)
    assert predicate("1" + " + 1" * 248 + " = 249")(HAPPENED)
    assert predicate("TRUE" + " AND TRUE" * 249)(HAPPENED)


def test_a_hostile_pattern_takes_no_time() -> None:
    """Trying all ways to match would take longer than anyone waits."""
    assert not predicate(f"'{'a' * 3_000}' LIKE '{'%a' * 100}b'")(HAPPENED)


@pytest.mark.parametrize(
    ("text", "has_value"),
    [
        ("CONCAT(long, long) <> ''", True),
        ("CONCAT(long, long, long) <> ''", False),
        ("CONCAT_WS(long, 'a', 'b') <> ''", True),
        ("CONCAT_WS(long, 'a', 'b', 'c') <> ''", False),
        ("CONCAT(CONCAT(long, long), CONCAT(long, long)) <> ''", False),
        ("long NOT LIKE '%b'", True),
        (f"long NOT LIKE '%{'a' * 200}b%'", False),
        (" OR ".join(["long LIKE '%b'"] * 20), False),
        (" OR ".join(["type LIKE '%'"] * 200), True),
        (f"type NOT LIKE '%{'a' * 4_000}b%'", True),
    ],
)
def test_what_would_take_long_has_no_value(text: str, *, has_value: bool) -> None:
    """The bridge does nothing else while an expression is evaluated."""
    assert predicate(text)(LONG) is has_value


def test_a_value_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice at each level would be more often than anybody can count to."""
    asked: list[str] = []

    def get(_: Event, name: str) -> str:
        asked.append(name)
        return "true"

    monkeypatch.setattr(Event, "get", get)
    assert predicate("flag" + " IN (FALSE, TRUE)" * 124)(HAPPENED)
    assert asked == ["flag"]
