"""Idempotency-Key on payments, where the answer is known only when the provider has given its own."""

import pytest

from functions.payments import provider, repository
from functions.shared.web.idempotency import REQUEST_LIMIT
from tests.functions.creations import Creation
from tests.functions.harness import refusal, said
from tests.functions.killed import killed_before
from tests.functions.overlap import overtake
from tests.functions.payment_scenario import CARD, DONE, FAULT, RECEIVED, Till
from tests.properties.system import Time

HELD = refusal(409, "A request with this Idempotency-Key is in progress")
IN_PROGRESS = refusal(409, "Payment in progress")
CANCELLED = refusal(400, "Cannot pay for a cancelled order")
PAID = refusal(400, "Order is already paid")
DECLINED = refusal(402, "Your card was declined.")


def paying(till: Till, token: str = CARD) -> Creation:
    """A request with a key."""
    body = {"orderId": till.order["id"], "token": token}
    return Creation(till.process, "payments", body, body | {"token": "pm_card_visa"}, till.buyer)


@pytest.mark.parametrize("token", ["tok_visa", "tok_chargeDeclined"])
def test_what_became_of_the_card_is_told_again(till: Till, token: str) -> None:
    first = said(paying(till, token).post())
    before = till.store.dump(), till.provider.ledger()
    assert said(paying(till, token).post()) == first
    assert first == ((201, {"id": till.id}) if token == "tok_visa" else DECLINED)
    assert (till.store.dump(), till.provider.ledger()) == before


def test_that_the_order_was_cancelled_meanwhile_is_told_again(till: Till) -> None:
    first, cancelled = overtake(till.process, lambda: said(paying(till).post()), till.cancel, (repository, "update"))
    assert (first, cancelled) == (CANCELLED, DONE)
    before = till.store.dump()
    assert said(paying(till).post()) == CANCELLED
    assert till.store.dump() == before


@pytest.mark.parametrize("recorded_by", ["webhook", "settle"])
def test_what_another_recorded_first_is_told_again(till: Till, recorded_by: str) -> None:
    first, other = overtake(
        till.process, lambda: said(paying(till).post()), getattr(till, recorded_by), (repository, "update")
    )
    assert (first, other in (DONE, RECEIVED)) == ((201, {"id": till.id}), True)
    assert said(paying(till).post()) == first


def test_a_retry_while_the_card_is_charged_waits_for_that(till: Till) -> None:
    first, second = overtake(
        till.process, lambda: said(paying(till).post()), lambda: said(paying(till).post()), (provider, "charge")
    )
    assert (first, second) == ((201, {"id": till.id}), HELD)
    assert till.charges == [1999]


def test_a_retry_after_a_provider_that_failed_hears_what_became_of_it(till: Till) -> None:
    till.provider.behave(fail="after")
    assert said(paying(till).post()) == IN_PROGRESS
    till.provider.behave()
    assert said(paying(till).post()) == IN_PROGRESS
    till.settle()
    assert said(paying(till).post()) == (201, {"id": till.id})
    assert till.charges == [1999]


def test_a_retry_after_a_decline_that_was_settled_hears_of_it(till: Till) -> None:
    till.provider.behave(fail="after")
    assert said(paying(till, "tok_chargeDeclined").post()) == IN_PROGRESS
    till.provider.behave()
    till.settle()
    assert said(paying(till, "tok_chargeDeclined").post()) == DECLINED


def test_a_retry_of_what_went_back_hears_that_the_order_is_cancelled(till: Till) -> None:
    till.provider.behave(fail="after")
    assert said(paying(till).post()) == IN_PROGRESS
    till.provider.behave()
    till.cancel()
    till.settle()
    assert said(paying(till).post()) == CANCELLED


@pytest.mark.parametrize("change", ["key", "body", "no key"])
def test_what_is_no_retry_of_it_hears_that_the_order_is_paid(till: Till, change: str) -> None:
    till.provider.behave(fail="after")
    assert said(paying(till).post()) == IN_PROGRESS
    till.provider.behave()
    till.settle()
    first = paying(till)
    other = {
        "key": lambda: first.post("another"),
        "body": lambda: first.post(body=first.other),
        "no key": lambda: first.post(None),
    }
    assert said(other[change]()) == PAID


def test_a_payment_without_a_key_is_nobodys_retry(till: Till) -> None:
    till.pay()
    assert till.row["request"] is None
    assert [till.pay(), said(paying(till).post())] == [PAID, PAID]


def test_a_retry_after_a_crash_between_charge_and_commit_charges_nothing(till: Till, time: Time) -> None:
    killed_before("functions.payments.repository", "update", paying(till))
    assert said(paying(till).post()) == HELD
    time.passed = REQUEST_LIMIT
    assert said(paying(till).post()) == IN_PROGRESS
    till.webhook()
    assert said(paying(till).post()) == (201, {"id": till.id})
    assert (till.charges, till.told) == ([1999], ["created", "started"])


def test_one_that_was_taken_over_records_its_charge_all_the_same(till: Till, time: Time) -> None:
    def later() -> tuple[int, object]:
        time.passed = REQUEST_LIMIT
        return said(paying(till).post())

    late, taker = overtake(till.process, lambda: said(paying(till).post()), later, (provider, "charge"))
    assert (taker, late) == (IN_PROGRESS, (201, {"id": till.id}))
    assert (till.status, till.charges, till.told) == ("succeeded", [1999], ["created", "started"])
    assert said(paying(till).post()) == late


def test_a_fault_of_ours_is_not_kept(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(repository, "add", lambda *_: 1 / 0)
        assert said(paying(till).post()) == FAULT
    assert said(paying(till).post())[0] == 201
