"""What marks of a log's sequences say about a loss, without a server."""

from datetime import UTC, datetime, timedelta

import pytest

from events.relay.losses import LOG, SCHEDULES, Loss, Mark, StreamState, append, find_losses

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
FIRST, SECOND = Mark(CREATED, {LOG: 10, SCHEDULES: 3}), Mark(CREATED + timedelta(hours=1), {LOG: 20, SCHEDULES: 6})
STREAMS = {LOG: CREATED, SCHEDULES: CREATED}


def losses(log: StreamState | None, schedules: StreamState | None) -> list[Loss]:
    states = {name: state for name, state in ((LOG, log), (SCHEDULES, schedules)) if state}
    return list(find_losses(STREAMS, [FIRST, SECOND], states))


@pytest.mark.parametrize(
    ("log", "schedules"),
    [
        (StreamState(CREATED, 20), StreamState(CREATED, 6)),
        (StreamState(CREATED, 99), StreamState(CREATED, 6)),
        (StreamState(CREATED, 20), None),
        (None, None),
    ],
    ids=["as before", "more messages", "a stream is missing", "both are missing"],
)
def test_no_loss(log: StreamState | None, schedules: StreamState | None) -> None:
    assert not losses(log, schedules)


def test_streams_that_are_seen_for_the_first_time_lost_nothing() -> None:
    assert not list(find_losses({}, [], {LOG: StreamState(CREATED, 5)}))


@pytest.mark.parametrize("last", [0, 20, 99])
def test_a_stream_of_another_creation_has_lost_everything(last: int) -> None:
    [loss] = losses(StreamState(CREATED + timedelta(milliseconds=1), last), StreamState(CREATED, 6))
    assert (loss.stream, loss.mark) == (LOG, None)


@pytest.mark.parametrize(("last", "mark"), [(19, FIRST), (10, FIRST), (9, None), (0, None)])
def test_a_stream_that_went_back_has_lost_what_came_after_the_last_mark_it_reaches(
    last: int, mark: Mark | None
) -> None:
    [loss] = losses(StreamState(CREATED, last), StreamState(CREATED, 6))
    assert (loss.stream, loss.mark) == (LOG, mark)


def test_both_streams_may_have_lost_something() -> None:
    assert [loss.stream for loss in losses(StreamState(CREATED, 1), StreamState(CREATED, 1))] == [LOG, SCHEDULES]


def test_marks_stay_few_and_reach_back_a_week() -> None:
    marks: list[Mark] = []
    week = 7 * 86_400
    for second in range(0, 2 * week, 97):
        marks = append(marks, Mark(CREATED + timedelta(seconds=second), {LOG: second}))
        assert len(marks) <= 22
        ages = [(marks[-1].at - mark.at).total_seconds() for mark in marks]
        assert ages == sorted(ages, reverse=True)
        assert max(ages) <= week
    for loss in (100, 1_000, 10_000, 100_000):
        reached = next(age for age in reversed(ages) if age >= loss)
        assert reached <= 4 * loss  # republished: at most four times what was lost
