"""Payments as people see them: through the gateway, with everything in between running, or dying just then."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from local.manifests import ROOT
from tests.browser import CHALLENGED, DECLINED, GOOD, Browser
from tests.e2e.front import errors
from tests.e2e.person import TIMEOUT_SECONDS, Person
from tests.e2e.stack import Stack, running
from tests.eventually import eventually
from tests.keys import PUBLISHABLE_KEY
from tests.provider import Controls

PRICE_CENTS = 2000
EXPIRATION_WINDOW_SECONDS = 15
FOREVER_SECONDS = 3600


class Sale(NamedTuple):
    """A ticket that is reserved."""

    seller: Person
    ticket: str
    buyer: Person
    order: str

    def status(self) -> str:
        """How far the order is."""
        return str(self.buyer.order(self.order)["status"])


@pytest.fixture
def standin(stack: Stack) -> Iterator[Controls]:
    """The shared stack's payment provider, which behaves again afterwards."""
    yield (controls := stack.provider)
    controls.behave()


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that soon asks what came of a payment."""
    with running(tmp_path_factory.mktemp("hasty"), SETTLEMENT_DELAY_SECONDS="1") as started:
        yield started


@pytest.fixture
def sale(stack: Stack) -> Sale:
    return _sale(stack)


@pytest.mark.parametrize("token", ["tok_visa", "pm_card_visa"])
def test_a_paid_order_is_complete_and_its_ticket_is_the_buyers(sale: Sale, standin: Controls, token: str) -> None:
    paid = sale.buyer.pay(sale.order, token)

    assert (paid.status_code, list(paid.json())) == (201, ["id"])
    eventually(lambda: sale.status() == "complete")
    eventually(lambda: sale.seller.ticket(sale.ticket)["version"] > 0)
    assert sale.seller.ticket(sale.ticket)["orderId"] == sale.order
    edited = sale.seller.api("PUT", f"/tickets/{sale.ticket}", title="Higher", price=90)
    assert (edited.status_code, edited.json()) == (400, errors("Cannot edit a reserved ticket"))
    assert _money(standin, sale.order) == [(PRICE_CENTS, 0)]
    eventually(lambda: standin.ledger()["unsent_events"] == 0)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("tok_chargeDeclined", "Your card was declined."),
        ("pm_card_chargeDeclined", "Your card was declined."),
        ("tok_chargeDeclinedInsufficientFunds", "Your card has insufficient funds."),
    ],
)
def test_a_declined_card_cancels_the_order_and_frees_the_ticket(
    sale: Sale, standin: Controls, token: str, message: str
) -> None:
    declined = sale.buyer.pay(sale.order, token)

    assert (declined.status_code, declined.json()) == (402, errors(message))
    eventually(lambda: sale.status() == "cancelled")
    eventually(lambda: sale.ticket in sale.seller.on_sale())
    assert _money(standin, sale.order) == [(0, 0)]


def test_an_order_is_paid_once_and_then_stands(sale: Sale, standin: Controls) -> None:
    sale.buyer.pay(sale.order)

    again = sale.buyer.pay(sale.order)
    assert (again.status_code, again.json()) == (400, errors("Order is already paid"))
    eventually(lambda: sale.status() == "complete")
    cancelled = sale.buyer.api("DELETE", f"/orders/{sale.order}")
    assert (cancelled.status_code, cancelled.json()) == (400, errors("Cannot cancel a paid order"))
    assert _charges(standin, sale.order) == [(PRICE_CENTS, 0)]


def test_two_clicks_are_one_charge(sale: Sale, standin: Controls) -> None:
    with ThreadPoolExecutor() as clicks:
        answers = list(clicks.map(lambda _: sale.buyer.pay(sale.order), range(4)))

    assert [answer.status_code for answer in answers].count(201) == 1
    eventually(lambda: sale.status() == "complete")
    assert _charges(standin, sale.order) == [(PRICE_CENTS, 0)]


@pytest.mark.parametrize("number", [GOOD, CHALLENGED])
def test_an_order_that_is_paid_in_a_browser_is_complete(sale: Sale, standin: Controls, number: str) -> None:
    begun = sale.buyer.begin_to_pay(sale.order)
    assert (begun.status_code, begun.json()["status"]) == (201, "requires_payment_method")
    browser = Browser(standin.url, begun.json()["clientSecret"])

    browser.confirm(DECLINED)
    browser.confirm(number)
    if number == CHALLENGED:
        browser.approve()

    eventually(lambda: sale.status() == "complete")
    assert _money(standin, sale.order) == [(PRICE_CENTS, 0)]


def test_a_browser_that_is_left_open_cannot_pay_for_a_cancelled_order(sale: Sale, standin: Controls) -> None:
    browser = Browser(standin.url, sale.buyer.begin_to_pay(sale.order).json()["clientSecret"])
    browser.confirm(CHALLENGED)

    assert sale.buyer.api("DELETE", f"/orders/{sale.order}").status_code == 204
    eventually(lambda: browser.retrieve()[1]["status"] == "canceled")

    assert browser.confirm()[0] == 400
    assert _money(standin, sale.order) == [(0, 0)]


def test_a_browser_learns_how_to_pay(stack: Stack) -> None:
    config = requests.get(f"{stack.url}/api/payments/config", timeout=TIMEOUT_SECONDS)

    told = {"provider": "stripe", "publishableKey": PUBLISHABLE_KEY, "testCards": True}
    assert (config.status_code, config.json()) == (200, told)


def test_the_audit_of_a_running_stack_finds_the_sale_and_no_difference(stack: Stack, sale: Sale) -> None:
    sale.buyer.pay(sale.order)
    eventually(lambda: sale.status() == "complete")

    def audit() -> bool:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LOCAL_STATE": str(stack.state)}
        command = [sys.executable, "-m", "local.task", "audit"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        print(done.stdout, done.stderr)
        return done.returncode == 0 and done.stdout.endswith("differences 0\n")

    eventually(audit)  # of other tests, something may be under way


def test_the_webhook_records_a_charge_whose_answer_was_lost(sale: Sale, standin: Controls) -> None:
    standin.behave(operations=["confirm"], fail="after")

    paid = sale.buyer.pay(sale.order)

    assert (paid.status_code, paid.json()) == (409, errors("Payment in progress"))
    eventually(lambda: sale.status() == "complete")
    assert _money(standin, sale.order) == [(PRICE_CENTS, 0)]


def test_a_forged_webhook_is_refused(stack: Stack) -> None:
    forged = requests.post(
        f"{stack.url}/api/payments/webhook",
        json={"type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}},
        headers={"Stripe-Signature": "t=1,v1=0"},
        timeout=TIMEOUT_SECONDS,
    )

    assert (forged.status_code, forged.json()) == (400, errors("Invalid signature"))


@pytest.mark.slow
def test_a_charge_on_an_order_that_is_cancelled_meanwhile_goes_back_once(hasty: Stack) -> None:
    sale = _charged_in_secret(hasty)
    assert sale.buyer.api("DELETE", f"/orders/{sale.order}").status_code == 204

    hasty.provider.behave()

    _await_refund(hasty, sale)


@pytest.mark.slow
def test_a_charge_on_an_order_that_expires_meanwhile_goes_back_once(tmp_path: Path) -> None:
    window = str(EXPIRATION_WINDOW_SECONDS)
    with running(tmp_path, EXPIRATION_WINDOW_SECONDS=window, SETTLEMENT_DELAY_SECONDS="1") as stack:
        sale = _charged_in_secret(stack)
        eventually(lambda: sale.status() == "cancelled")

        stack.provider.behave()

        _await_refund(stack, sale)


@pytest.mark.slow
def test_a_payment_is_settled_whose_process_was_killed_between_charge_and_answer(hasty: Stack) -> None:
    sale = _sale(hasty)
    hasty.provider.behave(operations=["confirm"], delay=FOREVER_SECONDS, webhooks="never")
    with ThreadPoolExecutor() as browser:
        paying = browser.submit(sale.buyer.pay, sale.order)
        eventually(lambda: _money(hasty.provider, sale.order) == [(PRICE_CENTS, 0)])
        provider = hasty.provider
        hasty.kill("payments-create")
        provider.behave()
        assert paying.result().status_code == 503

    eventually(lambda: sale.status() == "complete")
    assert _money(provider, sale.order) == [(PRICE_CENTS, 0)]


def _sale(stack: Stack) -> Sale:
    seller, buyer = Person(stack.url), Person(stack.url)
    ticket = seller.sell(price=PRICE_CENTS // 100)
    return Sale(seller, ticket, buyer, buyer.reserve(ticket))


def _charged_in_secret(stack: Stack) -> Sale:
    """Pay so that only the provider knows: it gives no answer, not even to a question for the outcome."""
    stack.provider.behave(operations=["confirm", "show", "cancel"], fail="after", webhooks="never")
    sale = _sale(stack)
    assert sale.buyer.pay(sale.order).status_code == 409
    assert _money(stack.provider, sale.order) == [(PRICE_CENTS, 0)]
    return sale


def _await_refund(stack: Stack, sale: Sale) -> None:
    eventually(lambda: _money(stack.provider, sale.order) == [(PRICE_CENTS, PRICE_CENTS)])
    eventually(lambda: sale.ticket in sale.seller.on_sale())
    assert sale.status() == "cancelled"
    assert len([refund for refund in stack.provider.ledger()["refunds"] if _is_for(sale.order, refund)]) == 1


def _money(provider: Controls, order: str) -> list[tuple[int, int]]:
    """What was taken and given back for an order, by each try to charge it."""
    intents = [intent for intent in provider.ledger()["payment_intents"] if _is_for(order, intent)]
    return [(intent["amount_received"], intent["amount_refunded"]) for intent in intents]


def _charges(provider: Controls, order: str) -> list[tuple[int, int]]:
    """Return the same without the intents that took nothing: a click that comes second leaves one, cancelled."""
    return [money for money in _money(provider, order) if money != (0, 0)]


def _is_for(order: str, found: dict[str, Any]) -> bool:
    return bool(found["metadata"]["order"] == order)
