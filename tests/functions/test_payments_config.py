"""payments-config: GET /api/payments/config."""

import pytest

from tests.functions.harness import Make, refusal, said

FAULT = refusal(500, "Something went wrong")


@pytest.mark.parametrize(("key", "test_cards"), [("pk_test_1", True), ("pk_live_1\n", False), ("made-up", True)])
def test_tells_a_browser_how_to_pay(function: Make, key: str, test_cards: object) -> None:
    config = function("payments-config", STRIPE_PUBLISHABLE_KEY=key)
    told = {"provider": "stripe", "publishableKey": key.strip(), "testCards": test_cards}
    assert said(config.call("GET")) == (200, told)


@pytest.mark.parametrize("key", ["", " ", "sk_test_1", "rk_live_1"])
def test_a_key_that_is_not_publishable_is_not_told(function: Make, key: str) -> None:
    assert said(function("payments-config", STRIPE_PUBLISHABLE_KEY=key).call("GET")) == FAULT
