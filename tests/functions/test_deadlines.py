"""A function begins nothing for a caller who has stopped waiting, as the gateway's header says."""

import time

import pytest
from werkzeug.test import TestResponse

from functions.shared.deadline import MAX_QUEUE_SECONDS
from tests.functions.harness import Function, Make, Store, User, refusal, said


@pytest.fixture
def create(function: Make) -> Function:
    return function("tickets-create")


def post(create: Function, deadline: object) -> TestResponse:
    headers = {"X-Request-Deadline": str(deadline)}
    return create.call("POST", json={"title": "Jazz night", "price": 20}, user=User(), headers=headers)


def test_what_comes_too_late_is_not_begun(create: Function, tickets_store: Store) -> None:
    assert said(post(create, time.time() - 1)) == refusal(504, "Gateway Timeout")
    assert tickets_store.dump() == {}


def test_what_comes_in_time_is_done(create: Function, tickets_store: Store) -> None:
    assert post(create, time.time() + 10).status_code == 201
    assert len(tickets_store["tickets"].distinct("_id")) == 1


@pytest.mark.parametrize(
    "deadline",
    ["", "soon", "nan", "inf", "-inf", "1e999", pytest.param(-MAX_QUEUE_SECONDS, id="of a clock that is ahead")],
)
def test_a_deadline_that_cannot_be_right_is_none(create: Function, deadline: str | int) -> None:
    stated = deadline if isinstance(deadline, str) else time.time() + deadline - 1
    assert post(create, stated).status_code == 201
