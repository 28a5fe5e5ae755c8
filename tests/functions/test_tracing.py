"""The spans of a function, as the process that Knative starts, which is spared all of that without an endpoint."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from local import manifests, servers
from tests.functions.harness import Store, User, declared
from tests.functions.test_over_sockets import START_SECONDS, served
from tests.otlp import Receiver, Span

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7"
TICKET = {"title": "Jazz night", "price": 20}
HOUR = "3600000"  # milliseconds
IMPORTED = "import sys, runpy; runpy.run_path(sys.argv[1]); print(*sorted(sys.modules))"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def only(spans: list[Span]) -> Span:
    [found] = spans
    return found


def environment(store: Store, **further: str) -> dict[str, str]:
    return declared()["tickets-create"] | {"MONGO_URI": store.uri, "K_SERVICE": "tickets-create", **further}


def create(port: int, **headers: str) -> None:
    sent = {"Authorization": f"Bearer {User().token()}", **headers}
    url = f"http://{servers.HOST}:{port}/api/tickets"
    assert requests.post(url, json=TICKET, headers=sent, timeout=START_SECONDS).status_code == 201


def test_a_request_is_a_span_and_its_transaction_one_below_that_which_the_event_names(
    tickets_store: Store, receiver: Receiver
) -> None:
    """All spans are sent when the process is told to stop, however long the next batch would take."""
    tickets_store.clear()
    with served(environment(tickets_store, **receiver.environment | {"OTEL_BSP_SCHEDULE_DELAY": HOUR})) as port:
        create(port, traceparent=f"{CALLER}-01")
        assert receiver.spans == []
    request = only(receiver.named("POST /api/tickets"))
    assert (request.service, request.kind, request.trace, request.parent, request.failed) == (
        "tickets-create",
        "SERVER",
        TRACE,
        CALLER[-16:],
        False,
    )
    assert request.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 201,
        "http.route": "/api/tickets",
        "url.path": "/api/tickets",
        "url.scheme": "http",
    }
    transaction = only(receiver.children(request))
    [event] = tickets_store.events()
    assert (transaction.trace, transaction.kind) == (TRACE, "CLIENT")
    assert event["traceparent"] == f"{transaction.context}-01"
    assert transaction.attributes["cloudevents.event_id"] == event["id"]
    assert transaction.attributes["db.system.name"] == "mongodb"


def test_an_endpoint_that_does_not_answer_costs_a_request_nothing_and_is_logged(
    tickets_store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    nowhere = f"http://{servers.HOST}:{servers.free_port()}"
    told = environment(tickets_store, OTEL_EXPORTER_OTLP_ENDPOINT=nowhere, OTEL_BSP_SCHEDULE_DELAY="50")
    with served(told, output=None) as port:
        create(port)
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    [failed, *_] = [line for line in lines if "not sent" in line["message"]]
    assert (failed["severity"], failed["function"]) == ("WARNING", "tickets-create")


@pytest.mark.parametrize(
    "off",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
    ids=["no endpoint", "disabled", "no exporter"],
)
def test_without_traces_a_function_imports_nothing_of_opentelemetry(off: dict[str, str]) -> None:
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(manifests.ROOT), **declared()["payments-create"], **off}
    command = [sys.executable, "-c", IMPORTED, given["FUNCTION_SOURCE"]]
    modules = subprocess.check_output(command, env=given, cwd=manifests.ROOT, text=True).split()
    assert "events.telemetry.spans" in modules
    assert not [name for name in modules if name.startswith(("opentelemetry", "google.protobuf"))]
