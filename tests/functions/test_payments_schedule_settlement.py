"""payments-schedule-settlement: on payment.started, replies payment.overdue for later."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.functions.harness import CLOUDEVENT, TRACE, Document, Make, event, new_id


def reply(function: Make, payment: Document, **environment: str) -> Document:
    response = function("payments-schedule-settlement", **environment).deliver(
        event("payment.started", "payments", payment)
    )
    assert (response.status_code, response.content_type) == (200, CLOUDEVENT)
    return dict(response.get_json(force=True))


@pytest.fixture
def payment() -> Document:
    return {"id": new_id(), "orderId": new_id()}


def test_replies_that_the_payment_is_overdue(function: Make, payment: Document) -> None:
    answer = reply(function, payment)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer.pop("time"))
    assert answer.pop("notbefore")
    assert answer == {
        "specversion": "1.0",
        "id": payment["id"],
        "source": "/ticketing/payments",
        "type": "dev.ticketing.payment.overdue",
        "subject": payment["id"],
        "datacontenttype": "application/json",
        "dataschema": "https://ticketing.dev/schemas/payment.overdue.v1.json",
        "partitionkey": payment["id"],
        "traceparent": TRACE,
        "data": payment,
    }


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [({}, 120), ({"SETTLEMENT_DELAY_SECONDS": "0.5"}, 0.5), ({"SETTLEMENT_DELAY_SECONDS": "0"}, 0)],
)
def test_not_before_the_delay_is_over(
    function: Make, payment: Document, environment: dict[str, str], seconds: float
) -> None:
    delay, millisecond = timedelta(seconds=seconds), timedelta(milliseconds=1)
    before = datetime.now(UTC)
    due = datetime.fromisoformat(reply(function, payment, **environment)["notbefore"])
    assert before + delay - millisecond <= due <= datetime.now(UTC) + delay


def test_a_duplicate_gets_an_event_with_the_same_id(function: Make, payment: Document) -> None:
    first, second = reply(function, payment), reply(function, payment)
    assert (first["source"], first["id"]) == (second["source"], second["id"])
