"""How far back rows may lie that a server lost when it stopped."""

from datetime import UTC, datetime, timedelta

from bson import ObjectId

from events.relay.recent import RecentRows

AT = datetime(2030, 1, 1, 12, tzinfo=UTC)


def ago(**before: float) -> datetime:
    return AT - timedelta(**before)


def rows(*pairs: tuple[datetime, datetime]) -> RecentRows:
    """Return rows by when their ids were made and when they were committed."""
    recent = RecentRows()
    for made, committed in pairs:
        recent.add(ObjectId.from_datetime(made), committed)
    return recent


def test_two_minutes_if_clocks_agree() -> None:
    assert RecentRows().since(AT) == ago(minutes=2)
    assert rows((ago(minutes=1), ago(minutes=1)), (AT, AT)).since(AT) == ago(minutes=2)


def test_as_far_as_a_slow_clock_made_ids() -> None:
    slow = (ago(minutes=5), ago(minutes=1))
    assert rows(slow, (AT, AT)).since(AT) == ago(minutes=5)
    assert rows(slow, (ago(minutes=1), ago(minutes=1)), (AT, AT)).since(AT) == ago(minutes=5)


def test_what_was_committed_earlier_is_on_the_disk() -> None:
    assert rows((ago(minutes=9), ago(minutes=3)), (AT, AT)).since(AT) == ago(minutes=2)


def test_a_row_with_an_id_of_another_kind_is_not_found_by_time() -> None:
    recent = RecentRows()
    recent.add("foreign", AT)
    assert (recent.until, recent.since(AT)) == (AT, ago(minutes=2))
