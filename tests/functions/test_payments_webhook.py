"""payments-webhook: POST /api/payments/webhook."""

import json
import time
from collections.abc import Callable
from functools import partial

import pytest

from tests.functions import webhooks
from tests.functions.harness import Document, Function, Make, Store, User, refusal, said
from tests.functions.payment_scenario import DONE, NOWHERE, RECEIVED, PaymentScenario

FORGED = refusal(400, "Invalid signature")
MALFORMED = refusal(400, "Body must be a JSON object")
SUCCESS, FAILURE, CANCELED = (f"payment_intent.{name}" for name in ("succeeded", "payment_failed", "canceled"))
LIMIT = 64 * 1024


@pytest.fixture
def webhook(function: Make) -> Function:
    return function("payments-webhook")


def send(webhook: Function, body: bytes, signature: str | None = None) -> tuple[int, object]:
    headers = {"Stripe-Signature": webhooks.signature(body) if signature is None else signature}
    return said(webhook.call("POST", data=body, headers=headers, content_type="application/json; charset=utf-8"))


def success(scenario: PaymentScenario) -> bytes:
    return webhooks.content(SUCCESS, webhooks.intent(scenario.id, id=scenario.row["providerId"]))


def test_a_success_is_recorded(charged: PaymentScenario) -> None:
    assert charged.webhook() == RECEIVED
    [intent] = charged.provider.ledger()["payment_intents"]
    assert (charged.status, charged.row["providerId"]) == ("succeeded", intent["id"])
    assert charged.told == ["created", "started"]


@pytest.mark.parametrize("error", ["Your card was declined.", None])
def test_the_end_of_an_intent_is_recorded_with_its_reason(charged: PaymentScenario, error: str | None) -> None:
    assert charged.webhook(CANCELED, error) == RECEIVED
    assert (charged.status, charged.row["reason"]) == ("failed", error or "The payment could not be made")
    assert charged.told == ["failed", "started"]


@pytest.mark.parametrize("begin", [PaymentScenario.charge, PaymentScenario.open])
def test_a_declined_card_is_not_the_end(scenario: PaymentScenario, begin: Callable[[PaymentScenario], object]) -> None:
    begin(scenario)
    assert scenario.webhook(FAILURE, "Your card was declined.") == RECEIVED
    assert (scenario.status, scenario.told) == ("pending", ["started"])


@pytest.mark.parametrize("kind", [SUCCESS, CANCELED])
def test_a_duplicate_changes_nothing(charged: PaymentScenario, kind: str) -> None:
    charged.webhook(kind)
    before = charged.store.dump()["payments"], charged.told
    assert [charged.webhook(kind), charged.webhook(kind)] == [RECEIVED, RECEIVED]
    assert (charged.store.dump()["payments"], charged.told) == before


def test_a_failure_after_a_success_changes_nothing(charged: PaymentScenario) -> None:
    charged.webhook(SUCCESS)
    assert charged.webhook(CANCELED) == RECEIVED
    assert (charged.status, charged.told) == ("succeeded", ["created", "started"])


def test_a_success_after_a_failure_goes_back_once(charged: PaymentScenario) -> None:
    charged.webhook(CANCELED)
    assert [charged.webhook(SUCCESS), charged.webhook(SUCCESS)] == [RECEIVED, RECEIVED]
    assert (charged.status, charged.told) == ("refunding", ["failed", "refund-requested", "started"])
    assert charged.refund() == DONE
    assert [charged.webhook(SUCCESS), charged.webhook(CANCELED)] == [RECEIVED, RECEIVED]
    assert (charged.status, charged.refunds) == ("refunded", [1999])


def test_a_success_of_a_cancelled_order_goes_back(charged: PaymentScenario) -> None:
    charged.cancel()
    assert charged.webhook() == RECEIVED
    assert (charged.status, charged.told) == ("refunding", ["overdue", "refund-requested", "started"])


@pytest.mark.parametrize("kind", [SUCCESS, CANCELED])
@pytest.mark.parametrize("asked", [{"amount": 1998}, {"amount": 1}, {"currency": "eur"}, {"amount": 199900}])
def test_an_intent_for_another_amount_is_told_to_a_person(
    charged: PaymentScenario, webhook: Function, capsys: pytest.CaptureFixture[str], kind: str, asked: Document
) -> None:
    before = charged.store.dump()
    told = webhooks.intent(charged.id, id=charged.row["providerId"], **asked)
    assert send(webhook, webhooks.content(kind, told)) == RECEIVED
    assert charged.store.dump() == before
    [line] = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if line["severity"] == "ERROR"]
    assert line["payment"] == charged.id


@pytest.mark.parametrize("kind", [SUCCESS, CANCELED])
def test_an_intent_of_another_account_that_names_our_payment_changes_nothing(
    charged: PaymentScenario, webhook: Function, kind: str
) -> None:
    before = charged.store.dump()
    assert send(webhook, webhooks.content(kind, webhooks.intent(charged.id, id="pi_of_another"))) == RECEIVED
    assert charged.store.dump() == before


@pytest.mark.parametrize("kind", [SUCCESS, CANCELED])
def test_a_payment_without_an_intent_has_no_outcome(scenario: PaymentScenario, webhook: Function, kind: str) -> None:
    scenario.pay(STRIPE_API_BASE=NOWHERE)
    before = scenario.store.dump()
    assert send(webhook, webhooks.content(kind, webhooks.intent(scenario.id))) == RECEIVED
    assert scenario.store.dump() == before


@pytest.mark.parametrize("payment", ["5" * 24, "f" * 24, "1", "", None, 5, True, [], {"id": 1}, "\u00e9", "a" * 500])
def test_a_success_of_an_unknown_payment_is_harmless(
    charged: PaymentScenario, webhook: Function, payment: object
) -> None:
    before = charged.store.dump()
    assert send(webhook, webhooks.content(SUCCESS, webhooks.intent(payment))) == RECEIVED
    assert send(webhook, webhooks.content(SUCCESS, webhooks.intent(payment, metadata={}))) == RECEIVED
    assert charged.store.dump() == before


@pytest.mark.parametrize(
    "kind",
    [FAILURE, "payment_intent.created", "payment_intent.processing", "payment_intent.requires_action",
     "charge.succeeded", "charge.refunded", "refund.created", "payout.paid", "PAYMENT_INTENT.SUCCEEDED", "", "x"],
)  # fmt: skip
def test_an_event_of_another_type_is_harmless(charged: PaymentScenario, webhook: Function, kind: str) -> None:
    before = charged.store.dump()
    assert send(webhook, webhooks.content(kind, webhooks.intent(charged.id))) == RECEIVED
    for subject in ({}, {"metadata": None, "id": 5}, {"last_payment_error": "x"}):
        assert send(webhook, webhooks.content(kind, subject)) == RECEIVED
    assert charged.store.dump() == before


@pytest.mark.parametrize("metadata", [{"payment": "of whom"}, {}, None])
def test_a_refund_that_failed_is_told_to_a_person(
    charged: PaymentScenario, webhook: Function, capsys: pytest.CaptureFixture[str], metadata: Document | None
) -> None:
    before = charged.store.dump()
    body = webhooks.content("refund.failed", {"id": "re_1", "object": "refund", "metadata": metadata})
    assert send(webhook, body) == RECEIVED
    [line] = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if line["severity"] == "ERROR"]
    assert (line["refund"], line["payment"]) == ("re_1", (metadata or {}).get("payment"))
    assert charged.store.dump() == before


def test_needs_no_session_and_no_content_type(charged: PaymentScenario, webhook: Function) -> None:
    body = success(charged)
    response = webhook.call("POST", data=body, headers={"Stripe-Signature": webhooks.signature(body)})
    assert said(response) == RECEIVED
    assert charged.status == "succeeded"


def test_a_body_that_was_changed_is_forged(charged: PaymentScenario, webhook: Function) -> None:
    body = success(charged)
    before = charged.store.dump()
    assert send(webhook, body + b" ", webhooks.signature(body)) == FORGED
    assert send(webhook, body.replace(b"pi_", b"pj_"), webhooks.signature(body)) == FORGED
    assert charged.store.dump() == before


@pytest.mark.parametrize("secret", ["whsec_of_somebody_else", "", " "])
def test_a_signature_with_another_secret_is_forged(charged: PaymentScenario, webhook: Function, secret: str) -> None:
    body = success(charged)
    assert send(webhook, body, webhooks.signature(body, secret)) == FORGED
    assert charged.status == "pending"


@pytest.mark.parametrize(
    "signature",
    ["", "x", "t=", "t=,v1=", "v1=0", "t=x,v1=x", "t=1", ",", "=", "t=1,v1=" + "0" * 64, "\u00e9", "t=1,v1=\u00e9",
     "t=9999999999,v1=\u00e9", "t=\uff11,v1=0", "t=" + "9" * 5_000 + ",v1=0", "t=-1,v1=0", "a" * 10_000],
)  # fmt: skip
def test_what_is_no_signature_is_forged(charged: PaymentScenario, webhook: Function, signature: str) -> None:
    assert send(webhook, success(charged), signature.encode().decode("latin-1")) == FORGED
    assert charged.status == "pending"


def test_a_signature_of_the_old_scheme_alone_is_forged(charged: PaymentScenario, webhook: Function) -> None:
    body = success(charged)
    assert send(webhook, body, webhooks.signature(body).replace("v1=", "v0=")) == FORGED


def test_one_of_several_signatures_is_enough(charged: PaymentScenario, webhook: Function) -> None:
    body = success(charged)
    assert send(webhook, body, webhooks.signature(body) + ",v1=" + "0" * 64 + ",v0=1") == RECEIVED


def test_a_webhook_without_a_signature_is_forged(charged: PaymentScenario, webhook: Function) -> None:
    assert said(webhook.call("POST", data=success(charged), user=User())) == FORGED
    assert charged.status == "pending"


def test_a_webhook_that_is_replayed_after_five_minutes_is_forged(charged: PaymentScenario, webhook: Function) -> None:
    body = success(charged)
    sign = partial(webhooks.signature, body)
    assert send(webhook, body, sign(at=time.time() - 310)) == FORGED
    assert charged.status == "pending"
    assert send(webhook, body, sign(at=time.time() - 240)) == RECEIVED


def test_the_time_is_part_of_what_is_signed(charged: PaymentScenario, webhook: Function) -> None:
    body = success(charged)
    old = webhooks.signature(body, at=1)
    assert send(webhook, body, old.replace("t=1,", f"t={int(time.time())},")) == FORGED


@pytest.mark.parametrize("secret", ["", " ", "\t\n"])
def test_without_a_secret_nothing_is_taken(function: Make, charged: PaymentScenario, secret: str) -> None:
    body = success(charged)
    webhook = function("payments-webhook", STRIPE_WEBHOOK_SECRET=secret)
    for signed in (webhooks.signature(body, secret), webhooks.signature(body, secret.strip()), ""):
        assert send(webhook, body, signed) == refusal(500, "Something went wrong")
    assert charged.status == "pending"


def test_a_secret_may_end_with_a_line(function: Make, charged: PaymentScenario) -> None:
    webhook = function("payments-webhook", STRIPE_WEBHOOK_SECRET=f"{charged.provider.webhook_secret}\n")
    assert send(webhook, success(charged)) == RECEIVED


def test_a_body_over_64_kib_is_refused_signed_or_not(charged: PaymentScenario, webhook: Function) -> None:
    body = success(charged).ljust(LIMIT + 1)
    assert [send(webhook, body), send(webhook, body, "")] == [refusal(413, "Payload Too Large")] * 2
    assert charged.status == "pending"


def test_a_body_of_64_kib_is_taken(charged: PaymentScenario, webhook: Function) -> None:
    assert send(webhook, success(charged).ljust(LIMIT)) == RECEIVED


@pytest.mark.parametrize(
    "body",
    [b"", b"no JSON", b"[]", b"null", b"5", b'"x"', b"{}", b'{"type": 5}', b'{"data": {}}', b"[" * 60_000,
     b'{"a": ' + b"[" * 60_000],
)  # fmt: skip
def test_a_signed_body_that_is_no_event_is_refused(webhook: Function, payments_store: Store, body: bytes) -> None:
    assert send(webhook, body) == MALFORMED
    assert payments_store.dump() == {}


@pytest.mark.parametrize(
    "event",
    [{"object": "v2.core.event", "type": "x", "related_object": {}}, {"type": "v1.billing.meter", "data": None},
     {"type": "x"}, {"type": "x", "data": []}, {"type": "x", "data": {}}, {"type": "x", "data": {"object": []}}],
)  # fmt: skip
def test_thin_events_and_unknown_types_are_received(webhook: Function, payments_store: Store, event: Document) -> None:
    assert send(webhook, json.dumps(event).encode()) == RECEIVED
    assert payments_store.dump() == {}


@pytest.mark.parametrize("kind", [SUCCESS, CANCELED, "refund.failed"])
@pytest.mark.parametrize("rest", [{}, {"data": None}, {"data": []}, {"data": {}}, {"related_object": {}}])
def test_a_signed_event_without_its_object_is_refused(webhook: Function, kind: str, rest: Document) -> None:
    assert send(webhook, json.dumps({"type": kind, **rest}).encode()) == MALFORMED


@pytest.mark.parametrize(
    "subject",
    [None, [], "x", 5, {}, {"id": "pi_1"}, {"id": 5, "metadata": {}}, {"id": None, "metadata": {}},
     {"id": "pi_1", "metadata": None}, {"id": "pi_1", "metadata": []},
     {"id": "pi_1", "metadata": {}, "last_payment_error": "x"}],
)  # fmt: skip
def test_a_signed_event_whose_intent_is_none_is_refused(webhook: Function, subject: object) -> None:
    body = json.dumps({"type": SUCCESS, "data": {"object": subject}}).encode()
    assert send(webhook, body) == MALFORMED


def test_a_failure_without_words_has_ours(charged: PaymentScenario, webhook: Function) -> None:
    error: Document = {"message": None, "code": "card_declined"}
    told = webhooks.intent(charged.id, error, id=charged.row["providerId"])
    assert send(webhook, webhooks.content(CANCELED, told)) == RECEIVED
    assert charged.row["reason"] == "The payment could not be made"


def test_a_body_that_is_no_text_is_forged(webhook: Function) -> None:
    assert send(webhook, b"\xff\xfe") == FORGED
