"""What people who run the bridge see of it: probes, metrics, logs, how it stops."""

import json
import re
import socket
from pathlib import Path

import pytest
import requests
import yaml

from events.runtime.knative_metrics import MAX_TYPES
from local import servers
from tests.events.conftest import Start
from tests.events.harness import QUICK, Answer, Sink, Stage, event
from tests.events.processes import TIMEOUT_SECONDS, NatsServer
from tests.eventually import eventually

EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/test", "ce-type": "dev.test.happened"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.slow
def test_ready_means_that_nats_answers(private_stage: Stage, nats_server: NatsServer, sink: Sink, start: Start) -> None:
    """A server that hangs keeps its connections, and answers when it goes on."""
    private_stage.trigger("all", sink)
    bridge = start(private_stage)
    bridge.await_ready()
    nats_server.freeze()
    eventually(lambda: bridge.status("/readyz") == 503)
    eventually(lambda: bridge.status("/healthz") == 200)
    assert bridge.status("/readyz") == 503
    nats_server.thaw()
    bridge.await_ready()
    eventually(lambda: private_stage.connection.is_connected)
    private_stage.publish(event())
    sink.await_requests(1)


def test_counting_what_becomes_of_events(stage: Stage, sink: Sink, start: Start) -> None:
    sink.answer = lambda request: Answer(422 if request.id == "poison" else 204 if len(sink.requests) > 1 else 500)
    stage.trigger("all", sink)
    bridge = start(stage)
    bridge.await_ready()
    stage.publish(event(id="again"))
    stage.await_settled("all")
    stage.publish(event(id="poison"))
    stage.await_letters(1)
    url = f"http://{servers.HOST}:{bridge.ingress_port}/{stage.stream_names.namespace}/default"
    eventually(lambda: requests.post(url, headers=EVENT, timeout=TIMEOUT_SECONDS).status_code == 202)
    assert requests.post(url, timeout=TIMEOUT_SECONDS).status_code == 400
    stage.await_settled("all")

    seen, broker = bridge.metrics(), f'broker="default",{{}}namespace="{stage.stream_names.namespace}"'
    of_trigger = "{" + broker.format("") + ',trigger="all"}'
    assert seen[f"bridge_delivered_total{of_trigger}"] == 2
    assert seen[f"bridge_retried_total{of_trigger}"] == 1
    assert seen[f"bridge_dead_lettered_total{of_trigger}"] == 1
    assert seen[f"bridge_answer_seconds_count{of_trigger}"] == 4
    assert seen[f"bridge_latency_seconds_count{of_trigger}"] == 2
    assert seen[f"bridge_lag_events{of_trigger}"] == 0
    assert seen[f"bridge_oldest_undelivered_seconds{of_trigger}"] == 0
    assert seen["bridge_ingress_requests_total{" + broker.format('code="202",') + "}"] == 1
    assert seen["bridge_ingress_requests_total{" + broker.format('code="400",') + "}"] == 1


def test_requests_for_brokers_that_there_are_not_make_no_series(stage: Stage, sink: Sink, start: Start) -> None:
    stage.trigger("all", sink)
    bridge = start(stage)
    bridge.await_ready()
    for name in ("a", "b"):
        requests.post(f"http://{servers.HOST}:{bridge.ingress_port}/{name}/{name}", timeout=30)
    seen = [name for name in bridge.metrics() if name.startswith("bridge_ingress_requests_total")]
    assert seen == ['bridge_ingress_requests_total{broker="",code="404",namespace=""}']


def test_a_trigger_that_is_behind_is_seen(stage: Stage, sink: Sink, start: Start) -> None:
    """Neither events that no Trigger wants nor delivered ones count."""
    sink.answer = lambda request: Answer(500 if request.id == "stuck" else 204)
    wanted = {"attributes": {"type": "dev.test.happened"}}
    stage.trigger("behind", sink, filter=wanted, delivery={"retry": 100, "backoffDelay": "PT60S"})
    bridge = start(stage)
    bridge.await_ready()
    stage.publish(event("dev.test.other"), event(id="fine"), event(id="stuck"), event(id="fine too"))
    sink.await_requests(3)
    labels = f'{{broker="default",namespace="{stage.stream_names.namespace}",trigger="behind"}}'
    eventually(lambda: bridge.metrics()[f"bridge_lag_events{labels}"] == 1)
    assert bridge.metrics()[f"bridge_oldest_undelivered_seconds{labels}"] > 0


@pytest.mark.slow
def test_a_trigger_that_is_gone_is_shown_no_longer(stage: Stage, sink: Sink, tmp_path: Path, start: Start) -> None:
    stage.trigger("all", sink)
    bridge = start(stage)
    bridge.await_ready()
    assert any('trigger="all"' in series for series in bridge.metrics())
    (tmp_path / "manifests.yaml").write_text(yaml.safe_dump_all(stage.objects[:1]))
    eventually(lambda: not any('trigger="all"' in series for series in bridge.metrics()))


@pytest.mark.slow
def test_a_broker_that_is_gone_is_shown_no_longer(stage: Stage, sink: Sink, tmp_path: Path, start: Start) -> None:
    stage.trigger("all", sink)
    bridge = start(stage)
    bridge.await_ready()
    url = f"http://{servers.HOST}:{bridge.ingress_port}/{stage.stream_names.namespace}/default"
    assert requests.post(url, timeout=30).status_code == 400
    shown = f'namespace="{stage.stream_names.namespace}"'
    names = {"bridge_ingress_requests_total", "bridge_log_fill_ratio"}
    eventually(lambda: {one.partition("{")[0] for one in bridge.metrics() if shown in one} >= names)
    (tmp_path / "manifests.yaml").write_text("")
    eventually(lambda: not any(shown in series for series in bridge.metrics()))


def test_logs_name_the_trace(stage: Stage, sink: Sink, start: Start) -> None:
    sink.answer = lambda _: Answer(500)
    stage.trigger("all", sink, delivery={**QUICK, "retry": 1})
    bridge = start(stage)
    bridge.await_ready()
    stage.publish(event(id="traced", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01"))
    stage.await_letters(1)
    lines = [line for line in map(json.loads, bridge.log.splitlines()) if line.get("event") == "traced"]
    assert [(line["severity"], line["trace"], line["attempt"]) for line in lines] == [
        ("WARNING", TRACE, 1),
        ("ERROR", TRACE, 2),
    ]


def test_a_request_that_has_begun_ends_before_the_ingress_does(stage: Stage, sink: Sink, start: Start) -> None:
    stage.trigger("all", sink)
    bridge = start(stage)
    bridge.await_ready()
    lines = [f"{name}: {value}" for name, value in {**EVENT, "Content-Length": "4"}.items()]
    head = "\r\n".join([f"POST /{stage.stream_names.namespace}/default HTTP/1.1", "Host: x", *lines, "", "da"])
    with socket.create_connection((servers.HOST, bridge.ingress_port), timeout=30) as begun:
        begun.sendall(head.encode())
        stage.publish(event(id="before"))
        sink.await_requests(1)
        bridge.ask_to_stop()
        eventually(lambda: _is_closed(bridge.ingress_port))
        begun.sendall(b"ta")
        assert begun.recv(1024).startswith(b"HTTP/1.1 202 ")
    assert bridge.await_end() == 0
    start(stage)
    sink.await_requests(2)


def test_the_ingress_takes_events_on_while_its_clients_find_out_that_it_leaves(
    stage: Stage, sink: Sink, start: Start
) -> None:
    stage.trigger("all", sink)
    bridge = start(stage, LINGER_SECONDS="3600")
    bridge.await_ready()
    bridge.ask_to_stop()
    eventually(lambda: bridge.status("/readyz") == 503)
    url = f"http://{servers.HOST}:{bridge.ingress_port}/{stage.stream_names.namespace}/default"
    answer = requests.post(url, headers=EVENT, timeout=TIMEOUT_SECONDS)
    assert (answer.status_code, answer.headers["Connection"]) == (202, "close")
    start(stage)
    assert sink.await_requests(1)[0].id == "1"


def _is_closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((servers.HOST, port)) != 0


def test_the_metrics_of_knatives_own_brokers(stage: Stage, sink: Sink, start: Start) -> None:
    """They have Knative's labels; of types that senders make up, only so many become series."""
    sink.answer = lambda request: Answer(500 if request.id == "0" and sink.ids.count("0") == 1 else 204)
    stage.trigger("all", sink)
    bridge = start(stage)
    bridge.await_ready()
    url = f"http://{servers.HOST}:{bridge.ingress_port}/{stage.stream_names.namespace}/default"
    for number in range(MAX_TYPES + 2):
        headers = {**EVENT, "ce-id": str(number), "ce-type": f"dev.test.t{number}"}
        sent = requests.post(url, headers=headers, timeout=TIMEOUT_SECONDS)
        assert sent.status_code == 202
    sink.await_requests(MAX_TYPES + 3)
    stage.await_settled("all")

    seen = {read_series(series): value for series, value in bridge.metrics().items()}
    common = {
        "kn_broker_name": "default",
        "kn_broker_namespace": stage.stream_names.namespace,
        "messaging_operation_name": "send",
        "messaging_system": "knative",
        "url_scheme": "http",
    }
    dispatch, process = "kn_eventing_dispatch_duration_seconds_count", "kn_eventing_process_duration_seconds_count"
    came = common | {"messaging_destination_name": f"broker:default.{stage.stream_names.namespace}"}
    went = common | {"messaging_destination_name": f"trigger:all.{stage.stream_names.namespace}"}
    first, other = {"cloudevents_type": "dev.test.t0"}, {"cloudevents_type": "other"}
    assert seen[series(dispatch, came | first, 202)] == 1
    assert seen[series(dispatch, went | first, 500)] == 1
    assert seen[series(dispatch, went | first, 204)] == 1
    assert seen[series(process, went | first)] == 2
    assert seen[series(dispatch, came | other, 202)] == seen[series(process, went | other)] == 2


Series = tuple[str, frozenset[tuple[str, str]]]


def series(name: str, labels: dict[str, str], status: int | None = None) -> Series:
    """Return the key of a series as `read_series` makes it."""
    with_status = labels | ({"http_response_status_code": str(status)} if status else {})
    return name, frozenset(with_status.items())


def read_series(text: str) -> Series:
    """Return the name and the labels of a series as Prometheus writes it."""
    name, _, labels = text.partition("{")
    return name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))
