"""A proof fails where what it is to see is not there."""

from typing import cast

import pytest
import requests

from tests.cluster.kubectl import SERVICES, Cluster, Object
from tests.cluster.proofs import Proofs
from tests.cluster.shop import Insistent

READY = {"conditions": [{"type": "Ready", "status": "True"}]}
FUNCTION: Object = {"metadata": {"name": "orders-create", "labels": {}}, "status": READY}
POD: Object = {"metadata": {"name": "one", "labels": {"serving.knative.dev/service": "orders-create"}}}


class Made(Cluster):
    """A cluster that has these objects, by their kinds."""

    def __init__(self, **made: list[Object]) -> None:
        super().__init__("nowhere")
        self._made = made

    def objects(self, kind: str) -> list[Object]:
        """Those of a kind, by its first word."""
        return self._made.get(kind.partition(".")[0], [])

    def renew(self, service: str, stamp: str) -> None:
        """Change nothing."""


class Seller:
    """A stranger to the shop."""

    def sell(self) -> str:
        """Offer a ticket."""
        return "ticket"


class Unheard(Proofs):
    """Proofs in a shop that hears its first visitor only."""

    visitors = 0

    def _person(self) -> Insistent:
        self.visitors += 1
        if self.visitors > 1:
            raise requests.ConnectionError
        return cast("Insistent", Seller())


@pytest.mark.parametrize(
    ("made", "ready"),
    [([], False), ([FUNCTION], True), ([FUNCTION, {**FUNCTION, "status": {}}], False)],
)
def test_all_are_ready_if_there_are_any(made: list[Object], ready: bool) -> None:  # noqa: FBT001 - what is expected
    assert Made(services=made).are_ready(SERVICES) is ready


def test_no_function_runs_if_there_are_any() -> None:
    assert Made(services=[FUNCTION]).functions_running() == []
    assert Made(services=[FUNCTION], pods=[POD]).functions_running() == ["one"]
    with pytest.raises(AssertionError, match="nothing is installed"):
        Made(pods=[POD]).functions_running()


def test_a_request_without_an_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)

    with pytest.raises(requests.ConnectionError):
        Unheard(Made(services=[FUNCTION]), "", "").updates_fail_no_request()
