"""The audit of payments, against a database and the provider's stand-in."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

from functions.payments import audit
from functions.payments.books import Books
from local import manifests
from tests.functions.harness import process
from tests.functions.payment_scenario import PaymentScenario

ALL_RIGHT = "charges 1 (19.99 USD), refunds 0 (0.00 USD), complete orders 1 (19.99 USD), differences 0"


@pytest.fixture
def sold(scenario: PaymentScenario) -> PaymentScenario:
    """An order that is paid and complete."""
    scenario.pay()
    scenario.hear("complete", 2)
    return scenario


def books_of(scenario: PaymentScenario) -> Books:
    with process(scenario.process.environment):
        return audit.audit()


def run(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The audit as people run it."""
    command = [sys.executable, "-m", "functions.payments.audit"]
    here = {"PYTHONPATH": str(manifests.ROOT), **environment}
    return subprocess.run(command, env=here, capture_output=True, text=True, check=False, timeout=60)


def test_a_sale_is_in_the_books_and_the_audit_changes_nothing(sold: PaymentScenario) -> None:
    before = sold.store.dump(), sold.provider.ledger()
    audited = run(sold.process.environment)
    assert (audited.returncode, audited.stderr) == (0, "")
    assert audited.stdout.partition(" ")[2] == f"{ALL_RIGHT}\n"
    assert (sold.store.dump(), sold.provider.ledger()) == before


def test_a_difference_is_told_by_its_ids_and_status(sold: PaymentScenario) -> None:
    sold.store["payments"].update_one({}, {"$set": {"status": "failed"}})
    audited = run(sold.process.environment)
    told = f"charge is not recorded: {sold.row['providerId']} (payment {sold.id}, order {sold.order['id']})"
    assert (audited.returncode, audited.stdout.count("\n")) == (1, 1)
    assert f"differences 2: {told}; complete order is not paid: {sold.order['id']}\n" in audited.stdout


def test_a_charge_that_went_back_is_in_the_books(scenario: PaymentScenario) -> None:
    scenario.pay()
    scenario.cancel()
    assert "refund is outstanding" in books_of(scenario).differences[0]
    scenario.refund()
    books = books_of(scenario)
    assert (str(books.charges), str(books.refunds), books.differences) == ("1 (19.99 USD)", "1 (19.99 USD)", [])


def test_it_goes_through_the_provider_page_by_page_and_passes_over_other_shops(sold: PaymentScenario) -> None:
    intents = sold.provider.client().v1.payment_intents
    for number in range(250):
        intents.create({"amount": 500, "currency": "usd", "metadata": {"payment": f"{number}"}})
    books = books_of(sold)
    assert (str(books.charges), books.differences) == ("1 (19.99 USD)", [])


def test_a_page_further_on_is_looked_at(sold: PaymentScenario) -> None:
    for _ in range(101):
        sold.provider.client().v1.payment_intents.create({"amount": 500, "currency": "usd"})
    sold.store["payments"].delete_many({})
    [told, _] = books_of(sold).differences
    assert told.startswith("charge has no payment: pi_")


def test_what_a_browser_may_yet_pay_is_not_a_difference(scenario: PaymentScenario) -> None:
    scenario.open()
    books = books_of(scenario)
    assert (books.charges.count, books.differences) == (0, [])
