"""Bridges in a cluster: several of them, restarted, with an API server that comes and goes."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from events.broker.filters import cesql
from events.controller import kinds
from events.controller.kinds import TRIGGER
from tests.events.api_server import ApiServer, Instead
from tests.events.broker_env import INGRESS_URL, BrokerEnv, to
from tests.events.harness import Sink, event
from tests.events.processes import Process
from tests.eventually import eventually

DEEP = "[" * 9_998 + "]" * 9_998  # in the spec of an object, as deep as Kubernetes takes it


def test_a_restart_goes_on_where_it_was(broker_env: BrokerEnv, sink: Sink) -> None:
    broker_env.addressee("sink", sink.url)
    broker_env.broker()
    broker_env.trigger("all", subscriber=to("sink"))
    stop = broker_env.start_bridge()
    broker_env.await_ready("all")
    before = broker_env.get(TRIGGER, "all")["metadata"]["resourceVersion"]
    stop()
    broker_env.stage.publish(event(id="meanwhile"))
    broker_env.start_bridge()
    assert sink.await_requests(1)[0].id == "meanwhile"
    broker_env.stage.await_settled("all")
    assert broker_env.get(TRIGGER, "all")["metadata"]["resourceVersion"] == before, "nothing new was to be said"


def test_two_replicas(broker_env: BrokerEnv, sink: Sink) -> None:
    broker_env.broker()
    broker_env.start_bridge()
    stop = broker_env.start_bridge()
    names = [f"trigger-{n}" for n in range(5)]
    for name in names:
        broker_env.trigger(name, subscriber={"uri": sink.url})
    broker_env.await_ready(*names)
    broker_env.stage.publish(*(event(id=str(n)) for n in range(20)))
    sink.await_requests(100)
    for name in names:
        broker_env.stage.await_settled(name)
    assert len(sink.requests) == 100
    versions = [broker_env.get(TRIGGER, name)["metadata"]["resourceVersion"] for name in names]
    stop()
    broker_env.delete(TRIGGER, names[0])
    eventually(lambda: not broker_env.exists(TRIGGER, names[0]))
    assert [broker_env.get(TRIGGER, name)["metadata"]["resourceVersion"] for name in names[1:]] == versions[1:]


def test_an_object_of_any_depth_hides_no_other(
    own_api_env: BrokerEnv, api_server: ApiServer, sink: Sink, tmp_path: Path
) -> None:
    """Neither it nor a filter that nests as deep stops the delivery to others."""
    own_api_env.broker()
    own_api_env.trigger("all", subscriber={"uri": sink.url})
    shallow = json.dumps(own_api_env.get(TRIGGER, "all"))
    deep = shallow.replace('"name": "all"', '"name": "deep"').replace('"spec": {', '"spec": {"deep": ' + DEEP + ", ")
    nested = deep.replace('"name": "deep"', '"name": "nested"').replace('"deep": [', '"filters": [')
    listing = f'{{"metadata": {{"resourceVersion": "1"}}, "items": [{deep}, {nested}, {shallow}]}}'
    body = Instead(200, body=listing.encode())
    api_server.instead = lambda request: body if "/triggers?" in request and "watch" not in request else None
    given = {"NATS_URL": own_api_env.stage.nats_url, "KUBECONFIG": str(kubeconfig(api_server, tmp_path))}
    process = Process("events.bridge", {**given, "INGRESS_URL": INGRESS_URL, "FINALIZERS": "off"}, tmp_path / "log")
    try:
        process.await_ready()
        own_api_env.stage.publish(event())
        sink.await_requests(1)
    finally:
        process.kill()


def kubeconfig(server: ApiServer, folder: Path) -> Path:
    entry = {"name": "test"}
    config = {
        "current-context": "test",
        "contexts": [{**entry, "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{**entry, "cluster": {"server": server.url}}],
        "users": [{**entry, "user": {}}],
    }
    file = folder / "kubeconfig.json"
    file.write_text(json.dumps(config))
    return file


def test_delivery_goes_on_while_the_api_server_is_gone(
    own_api_env: BrokerEnv, api_server: ApiServer, sink: Sink, other_sink: Sink
) -> None:
    own_api_env.addressee("sink", sink.url)
    own_api_env.broker()
    own_api_env.trigger("all", subscriber=to("sink"))
    own_api_env.trigger("deleted", subscriber=to("sink"), filter={"attributes": {"type": "none"}})
    own_api_env.start_bridge()
    own_api_env.await_ready("all", "deleted")
    api_server.stop()
    own_api_env.stage.publish(event(id="1"))
    sink.await_requests(1)
    api_server.start()
    own_api_env.delete(TRIGGER, "deleted")
    own_api_env.trigger("new", subscriber={"uri": other_sink.url})
    own_api_env.await_ready("new")
    own_api_env.stage.publish(event(id="2"))
    other_sink.await_requests(1)
    sink.await_requests(2)
    eventually(lambda: not own_api_env.exists(TRIGGER, "deleted"))


def test_changes_that_the_api_server_has_forgotten(own_api_env: BrokerEnv, api_server: ApiServer, sink: Sink) -> None:
    """A watch from a version that is too old ends, and all objects are listed again."""
    own_api_env.broker()
    own_api_env.trigger("old", subscriber={"uri": sink.url})
    own_api_env.start_bridge()
    own_api_env.await_ready("old")
    api_server.stop()
    own_api_env.stage.publish(event(id="1"))
    sink.await_requests(1)
    api_server.store.compact()
    api_server.start()
    own_api_env.trigger("new", subscriber={"uri": sink.url})
    own_api_env.await_ready("new")


def test_replicas_write_once(own_api_env: BrokerEnv, api_server: ApiServer, sink: Sink) -> None:
    """Each object gets its finalizer and some status; two bridges that argued would write on and on."""
    own_api_env.broker()
    own_api_env.start_bridge()
    own_api_env.start_bridge()
    own_api_env.trigger("all", subscriber={"uri": sink.url})
    own_api_env.await_ready("all")
    writes = api_server.store.writes
    own_api_env.stage.publish(event())
    sink.await_requests(1)
    own_api_env.trigger("later", subscriber={"uri": sink.url})
    own_api_env.await_ready("later")
    assert api_server.store.writes - writes <= 5


@pytest.mark.parametrize(
    "answer", [Instead(502, None), Instead(503, "text/html", b"<p>"), Instead(200, body=b"no json")]
)
def test_unexpected_responses_stop_no_status_writes(
    own_api_env: BrokerEnv, api_server: ApiServer, sink: Sink, answer: Instead
) -> None:
    """Those of a load balancer, for instance."""
    api_server.instead = lambda request: answer if request.startswith("PATCH") else None
    own_api_env.broker()
    own_api_env.trigger("all", subscriber={"uri": sink.url})
    own_api_env.start_bridge()
    eventually(lambda: sum(request.startswith("PATCH") for request in api_server.requests) >= 2)
    api_server.instead = lambda _: None
    own_api_env.await_ready("all")


@pytest.mark.parametrize("answer", [Instead(502, None), Instead(200, body=b"[]"), Instead(401)])
def test_a_kind_whose_answer_is_not_understood_stops_no_other(
    own_api_env: BrokerEnv, api_server: ApiServer, sink: Sink, answer: Instead
) -> None:
    api_server.instead = lambda request: answer if "oddities" in request else None
    odd = {"apiVersion": "odd.test/v1", "kind": "Oddity", "name": "a"}
    own_api_env.broker()
    own_api_env.trigger("odd", subscriber={"ref": odd})
    own_api_env.trigger("all", subscriber={"uri": sink.url})
    own_api_env.start_bridge()
    own_api_env.await_ready("all")
    own_api_env.await_condition(TRIGGER, "odd", "Ready", "Unknown", "Pending")


def test_a_watch_that_is_refused_is_tried_ever_more_slowly(own_api_env: BrokerEnv, api_server: ApiServer) -> None:
    """Though each list before it is answered. Five took a second once; sleeping in between takes at least 3.75."""
    api_server.instead = lambda request: Instead(403) if "triggers" in request and "watch" in request else None
    began = time.monotonic()
    own_api_env.start_bridge()
    eventually(lambda: sum("triggers" in one and "watch" not in one for one in api_server.requests) >= 5)
    assert time.monotonic() - began > 3.7


def test_the_bridge_as_a_process(own_api_env: BrokerEnv, api_server: ApiServer, sink: Sink, tmp_path: Path) -> None:
    """Without MANIFESTS it asks the Kubernetes API that KUBECONFIG names."""
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    cluster = {"name": "c", "cluster": {"server": api_server.url}}
    config = {
        "clusters": [cluster],
        "users": [{"name": "u", "user": {}}],
        "contexts": [context],
        "current-context": "c",
    }
    (tmp_path / "config").write_text(json.dumps(config))
    own_api_env.broker()
    own_api_env.trigger("all", subscriber={"uri": sink.url})
    given = {"NATS_URL": own_api_env.stage.nats_url, "KUBECONFIG": str(tmp_path / "config"), "INGRESS_URL": INGRESS_URL}
    bridge = Process("events.bridge", given, tmp_path / "log")
    try:
        bridge.await_ready()
        own_api_env.await_ready("all")
        own_api_env.stage.publish(event())
        sink.await_requests(1)
        assert bridge.terminate() == 0
    finally:
        bridge.kill()


def test_a_filter_is_parsed_once_when_other_objects_change(
    broker_env: BrokerEnv, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest ones take a tenth of a second each; those that are none, or whose Trigger has no subscriber, too."""
    read: list[str] = []
    predicate = cesql.predicate
    monkeypatch.setattr(cesql, "predicate", lambda text: read.append(text) or predicate(text))  # type: ignore[func-returns-value]
    broker_env.broker()
    for name, text, address in (("good", "'a'", sink.url), ("lost", "'b'", "nowhere"), ("none", "'c' =", sink.url)):
        broker_env.trigger(name, subscriber={"uri": address}, filters=[{"cesql": text}])
    broker_env.start_bridge()
    for name in ("later", "last"):
        broker_env.trigger(name, subscriber={"uri": sink.url})
        broker_env.await_ready(name, "good")
    assert sorted(read) == ["'a'", "'b'", "'c' ="]
    broker_env.patch(TRIGGER, "good", {"spec": {"filters": [{"cesql": "'d'"}]}})
    eventually(lambda: read[3:] == ["'d'"])


def test_on_one_machine_there_is_no_kubernetes() -> None:
    script = (
        "import sys, events.bridge.__main__; from events.bridge import source; "
        "source.from_environment({'MANIFESTS': '.'}); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert "events.dispatcher.reconciler" in loaded
    assert not {"lightkube", "httpx2", "events.controller"} & set(loaded)


def test_no_kind_of_object() -> None:
    for api_version, kind in (("v1", "../secrets"), ("v1/../..", "Service"), ("", "Service"), ("v1", "")):
        with pytest.raises(ValueError, match="kind"):
            kinds.of(api_version, kind)
    assert kinds.of("a.test/v1", "Policy")._api_info.plural == "policies"
    assert kinds.of("a.test/v1", "Bus")._api_info.plural == "buses"
