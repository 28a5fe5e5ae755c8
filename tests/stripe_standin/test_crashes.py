"""The stand-in as a process: killed at any moment, it loses no charge that it answered and makes none twice."""

import os
import random
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import stripe
from stripe import APIConnectionError, PaymentIntent

from local import servers
from local.manifests import ROOT
from tests.eventually import eventually
from tests.provider import Provider
from tests.stripe_standin.shop import pay, pay_at_last

PAYMENTS = 60
KILLS = 5


def test_a_charge_whose_answer_was_never_sent_is_found_again(tmp_path: Path) -> None:
    with Provider(tmp_path) as provider, ThreadPoolExecutor() as pool:
        provider.behave(delay=60)
        unanswered = pool.submit(pay, provider.client(), key="k1", payment="p1")
        eventually(lambda: len(provider.ledger()["payment_intents"]) == 1)
        [charged] = provider.ledger()["payment_intents"]
        provider.restart()
        with pytest.raises(APIConnectionError):
            unanswered.result()
        provider.behave()
        assert pay(provider.client(), key="k1", payment="p1").id == charged["id"]
        assert len(provider.ledger()["payment_intents"]) == 1


@pytest.mark.slow
def test_every_payment_is_charged_once_while_it_is_killed(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with Provider(tmp_path) as provider, ThreadPoolExecutor(4) as pool:
        payments = [pool.submit(pay_at_last, provider, f"p{number}") for number in range(PAYMENTS)]
        for kill in range(1, KILLS + 1):
            eventually(lambda share=kill / (KILLS + 1): _done(payments) >= share * PAYMENTS)  # type: ignore[misc]
            time.sleep(chance.random() * 0.02)
            provider.restart()
        answered = {payment.result().id for payment in payments}
        charged = provider.ledger()["payment_intents"]
    assert {intent["id"] for intent in charged} == answered
    assert sorted(intent["metadata"]["payment"] for intent in charged) == sorted(f"p{n}" for n in range(PAYMENTS))


def test_what_it_was_told_outlives_it(tmp_path: Path) -> None:
    with Provider(tmp_path) as provider:
        provider.behave(fail="before")
        provider.restart()
        with pytest.raises(stripe.APIError):
            pay(provider.client())


def test_it_ends_at_once_when_asked_to(tmp_path: Path) -> None:
    with Provider(tmp_path) as provider, ThreadPoolExecutor() as pool:
        provider.behave(delay=3600)
        waiting = pool.submit(pay, provider.client())
        eventually(lambda: len(provider.ledger()["payment_intents"]) == 1)
        assert provider.stop() == 0
        with pytest.raises(APIConnectionError):
            waiting.result()
        assert "Traceback" not in provider.log


@pytest.mark.parametrize("name", ["STRIPE_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_it_does_not_start_without_its_secrets(tmp_path: Path, name: str) -> None:
    secrets = {"STRIPE_KEY": "key", "STRIPE_PUBLISHABLE_KEY": "public", "STRIPE_WEBHOOK_SECRET": "secret", name: ""}
    settings = {"PORT": str(servers.free_port()), "DATABASE": str(tmp_path / "provider.sqlite")}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings, **secrets}
    command = servers.stripe_standin()
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr.strip()) == (1, f"{name} is empty")


def _done(payments: list[Future[PaymentIntent]]) -> int:
    return sum(payment.done() for payment in payments)
