"""The status of Brokers and Triggers in a Kubernetes API, and how their references are resolved."""

import asyncio
import json

import pytest
from lightkube import AsyncClient

from events.broker.destinations import UnresolvedError
from events.controller.kinds import BROKER, TRIGGER
from events.controller.references import PendingError, References
from events.controller.snapshot import FINALIZER
from tests.events.api_server import ApiServer, Instead
from tests.events.broker_env import ADDRESSEE, DOMAIN, INGRESS_URL, SERVICE, BrokerEnv, config_of, to
from tests.events.harness import Sink, event
from tests.events.loop import Loop
from tests.events.processes import NatsServer
from tests.eventually import eventually


def test_a_broker_and_its_trigger(broker_env: BrokerEnv, sink: Sink) -> None:
    broker_env.addressee("sink", sink.url + "base/")
    broker_env.addressee("letters", "http://letters.test/")
    broker_env.broker()
    broker_env.trigger("all", subscriber=to("sink", uri="path"), delivery={"deadLetterSink": to("letters")})
    broker_env.start_bridge()
    broker_env.await_ready("all")
    broker_env.stage.publish(event(id="1"))
    (request,) = sink.await_requests(1)
    assert (request.id, request.path) == ("1", "/base/path")
    broker, trigger = broker_env.get(BROKER, "default"), broker_env.status(TRIGGER, "all")
    address = f"{INGRESS_URL}/{broker_env.namespace}/default"
    assert broker["status"]["address"] == {"name": "http", "url": address}
    assert broker["status"]["observedGeneration"] == broker["metadata"]["generation"]
    assert FINALIZER in broker["metadata"]["finalizers"]
    assert set(broker_env.conditions(BROKER, "default")) == {
        "Addressable",
        "DeadLetterSinkResolved",
        "Ready",
        "StreamsReady",
    }
    assert trigger["subscriberUri"] == sink.url + "base/path"
    assert trigger["deadLetterSinkUri"] == "http://letters.test/"
    assert set(broker_env.conditions(TRIGGER, "all").items()) == {
        ("BrokerReady", ("True", "")),
        ("DeadLetterSinkResolved", ("True", "")),
        ("DependencyReady", ("True", "")),
        ("Ready", ("True", "")),
        ("SubscriberResolved", ("True", "")),
        ("SubscriptionReady", ("True", "")),
    }


def test_a_subscriber_that_cannot_be_resolved_until_it_can(broker_env: BrokerEnv, sink: Sink) -> None:
    broker_env.broker()
    broker_env.trigger("all", subscriber=to("sink"))
    broker_env.start_bridge()
    broker_env.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "NotFound")
    broker_env.await_condition(TRIGGER, "all", "Ready", "False", "NotFound")
    assert broker_env.status(TRIGGER, "all")["subscriberUri"] == ""
    broker_env.addressee("sink", None)
    broker_env.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "NoAddress")
    broker_env.readdress("sink", sink.url)
    broker_env.await_ready("all")
    broker_env.stage.publish(event(id="1"))
    sink.await_requests(1)
    broker_env.delete(ADDRESSEE, "sink")
    broker_env.await_condition(TRIGGER, "all", "Ready", "False", "NotFound")
    broker_env.stage.publish(event(id="2"))
    broker_env.addressee("sink", sink.url)
    assert sink.await_requests(2)[1].id == "2"


def test_a_kind_that_does_not_exist(broker_env: BrokerEnv, sink: Sink) -> None:
    broker_env.broker()
    unknown = {"apiVersion": "nowhere.test/v1", "kind": "Nothing", "name": "a"}
    broker_env.trigger("lost", subscriber={"ref": unknown})
    broker_env.trigger("all", subscriber={"uri": sink.url})
    broker_env.start_bridge()
    broker_env.await_ready("all")
    eventually(lambda: broker_env.conditions(TRIGGER, "lost").get("SubscriberResolved", ("", ""))[0] == "False")


def test_a_kind_that_the_bridge_may_not_list(own_api_env: BrokerEnv, api_server: ApiServer, sink: Sink) -> None:
    """It is reported soon, also where a pending condition was reported before, and ends once it is permitted."""
    api_server.instead = lambda request: Instead(502) if asks_for_addressees(request) else None
    own_api_env.addressee("sink", sink.url)
    own_api_env.broker()
    own_api_env.trigger("all", subscriber=to("sink"))
    own_api_env.start_bridge()
    own_api_env.await_condition(TRIGGER, "all", "SubscriberResolved", "Unknown", "Pending")
    api_server.instead = lambda request: Instead(403) if asks_for_addressees(request) else None
    own_api_env.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "NotResolvable")
    own_api_env.await_condition(TRIGGER, "all", "Ready", "False", "NotResolvable")
    api_server.instead = lambda _: None
    own_api_env.await_ready("all")


def test_a_pending_condition_says_why_it_is_pending_now(own_api_env: BrokerEnv, api_server: ApiServer) -> None:
    api_server.instead = lambda request: Instead(500) if asks_for_addressees(request) else None
    own_api_env.broker()
    own_api_env.trigger("all", subscriber=to("sink"))
    own_api_env.start_bridge()
    own_api_env.await_condition(TRIGGER, "all", "SubscriberResolved", "Unknown", "Pending")
    api_server.instead = lambda request: Instead(502) if asks_for_addressees(request) else None
    eventually(lambda: "502" in message(own_api_env, "all", "SubscriberResolved"))
    api_server.instead = lambda _: None


def asks_for_addressees(request: str) -> bool:
    return request.startswith("GET") and "addressees" in request


def message(broker_env: BrokerEnv, trigger: str, condition: str) -> str:
    entries = broker_env.status(TRIGGER, trigger)["conditions"]
    return next(str(entry.get("message")) for entry in entries if entry["type"] == condition)


def test_a_kind_is_watched_as_long_as_something_refers_to_it(loop: Loop, api_server: ApiServer) -> None:
    loop.run(_refer_and_stop(api_server))


async def _refer_and_stop(api_server: ApiServer) -> None:
    changed = asyncio.Event()
    client = AsyncClient(config_of(api_server))
    references = References(client, changed.set, DOMAIN)
    reference = {"apiVersion": "test.ticketing.dev/v1", "kind": "Addressee", "name": "a"}
    running = asyncio.create_task(references.run())
    with references.tracking(), pytest.raises(PendingError):
        references.find(reference, "default")
    await changed.wait()
    with references.tracking(), pytest.raises(UnresolvedError):
        references.find(reference, "default")
    (task,) = references._background._tasks
    with references.tracking():
        pass
    await asyncio.wait([task])
    assert task.cancelled()
    running.cancel()
    await asyncio.wait([running])
    await client.close()


def test_a_url_that_events_cannot_be_delivered_to(broker_env: BrokerEnv, sink: Sink) -> None:
    """What is sent there is dead-lettered, as Knative's conformance tests want it."""
    broker_env.broker()
    delivery = {"deadLetterSink": {"uri": sink.url}}
    broker_env.trigger("all", subscriber={"uri": "ftp://nowhere/"}, delivery=delivery)
    broker_env.start_bridge()
    broker_env.await_condition(TRIGGER, "all", "SubscriptionReady", "True")
    broker_env.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "UnsupportedScheme")
    broker_env.await_condition(TRIGGER, "all", "Ready", "False", "UnsupportedScheme")
    broker_env.stage.publish(event(id="dead"))
    assert sink.await_requests(1)[0].id == "dead"


def test_a_kubernetes_service(broker_env: BrokerEnv) -> None:
    broker_env.broker()
    broker_env.create(SERVICE, "a-service", spec={"ports": [{"port": 80}]})
    reference = {"apiVersion": "v1", "kind": "Service", "name": "a-service"}
    broker_env.trigger("all", subscriber={"ref": reference, "uri": "/path"})
    broker_env.trigger("none", subscriber={"ref": {**reference, "name": "missing"}})
    broker_env.start_bridge()
    broker_env.await_ready("all")
    expected = f"http://a-service.{broker_env.namespace}.svc.{DOMAIN}/path"
    assert broker_env.status(TRIGGER, "all")["subscriberUri"] == expected
    broker_env.await_condition(TRIGGER, "none", "SubscriberResolved", "False", "NotFound")


@pytest.mark.parametrize(
    ("annotations", "spec", "reason"),
    [
        ({}, {"filters": [{"xpath": "type"}]}, "FilterNotSupported"),
        ({}, {"filters": [{"any": [{"exact": {"type": 5}}]}]}, "InvalidSpec"),
        ({"jetstream.ticketing.dev/concurrency": "many"}, {}, "InvalidSpec"),
    ],
)
def test_what_cannot_be_done_is_said(
    broker_env: BrokerEnv, sink: Sink, annotations: dict[str, str], spec: dict[str, object], reason: str
) -> None:
    broker_env.broker()
    broker_env.trigger("bad", annotations, subscriber={"uri": sink.url}, **spec)
    broker_env.trigger("good", subscriber={"uri": sink.url})
    broker_env.start_bridge()
    broker_env.await_condition(TRIGGER, "bad", "SubscriptionReady", "False", reason)
    broker_env.await_ready("good")
    assert broker_env.conditions(TRIGGER, "bad")["Ready"][0] == "False"
    assert broker_env.consumers() == ["good"]


def test_a_broker_that_jetstream_refuses_stops_no_other(broker_env: BrokerEnv, sink: Sink) -> None:
    broker_env.create(
        BROKER,
        "greedy",
        {"eventing.knative.dev/broker.class": "JetStreamBridge", "jetstream.ticketing.dev/replicas": "3"},
        spec={},
    )
    broker_env.trigger("of-greedy", broker="greedy", subscriber={"uri": sink.url})
    broker_env.broker()
    broker_env.trigger("all", subscriber={"uri": sink.url})
    broker_env.start_bridge()
    broker_env.await_ready("all")
    broker_env.await_condition(BROKER, "greedy", "Ready", "False", "ReconcileFailed")
    broker_env.await_condition(TRIGGER, "of-greedy", "BrokerReady", "False", "ReconcileFailed")


def test_the_brokers_dead_letter_sink_is_its_triggers_too(broker_env: BrokerEnv, sink: Sink, other_sink: Sink) -> None:
    sink.answer = lambda _: pytest.fail("not asked")
    broker_env.addressee("letters", other_sink.url)
    broker_env.broker(delivery={"deadLetterSink": to("missing")})
    broker_env.create(TRIGGER, "all", spec={"broker": "default", "subscriber": {"uri": "http://127.0.0.1:1/"}})
    broker_env.start_bridge()
    broker_env.await_condition(BROKER, "default", "DeadLetterSinkResolved", "False", "NotFound")
    broker_env.await_condition(TRIGGER, "all", "DeadLetterSinkResolved", "False", "NotFound")
    broker_env.patch(BROKER, "default", {"spec": {"delivery": {"deadLetterSink": to("letters"), "retry": 0}}})
    broker_env.await_ready("all")
    assert broker_env.status(BROKER, "default")["deadLetterSinkUri"] == other_sink.url
    assert broker_env.status(TRIGGER, "all")["deadLetterSinkUri"] == other_sink.url
    broker_env.stage.publish(event(id="dead"))
    assert other_sink.await_requests(1)[0].id == "dead"


def test_waiting_for_a_source(broker_env: BrokerEnv, sink: Sink) -> None:
    source = {"apiVersion": "test.ticketing.dev/v1", "kind": "Addressee", "name": "source"}
    broker_env.broker()
    broker_env.trigger("waiting", {"knative.dev/dependency": json.dumps(source)}, subscriber={"uri": sink.url})
    broker_env.start_bridge()
    broker_env.await_condition(TRIGGER, "waiting", "DependencyReady", "False", "DependencyDoesNotExist")
    broker_env.create(ADDRESSEE, "source")
    broker_env.await_condition(TRIGGER, "waiting", "DependencyReady", "Unknown", "GenerationNotEqual")
    ready = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
    broker_env.patch(ADDRESSEE, "source", {"status": ready}, ADDRESSEE.Status)
    broker_env.await_ready("waiting")


def test_what_another_controller_says_of_a_missing_broker_is_left(broker_env: BrokerEnv, sink: Sink) -> None:
    """Two that each said it in their own way would write for ever."""
    broker_env.broker("another")
    broker_env.trigger("orphan", subscriber={"uri": sink.url}, broker="missing")
    broker_env.trigger("all", subscriber={"uri": sink.url}, broker="another")
    theirs = [{"type": name, "status": "False", "reason": "Theirs"} for name in ("BrokerReady", "Ready", "Other")]
    broker_env.patch(TRIGGER, "orphan", {"status": {"observedGeneration": 1, "conditions": theirs}}, TRIGGER.Status)
    broker_env.start_bridge()
    broker_env.await_ready("all")
    assert {reason for _, reason in broker_env.conditions(TRIGGER, "orphan").values()} == {"Theirs"}


@pytest.mark.parametrize("spec", [{"brokerRef": {"name": "default", "namespace": "elsewhere"}}, {"broker": ""}, {}])
def test_a_trigger_that_names_no_broker_here_is_left_alone(
    broker_env: BrokerEnv, sink: Sink, spec: dict[str, object]
) -> None:
    broker_env.create(TRIGGER, "elsewhere", spec={**spec, "subscriber": {"uri": sink.url}})
    broker_env.broker()
    broker_env.start_bridge()
    broker_env.trigger("all", subscriber={"uri": sink.url})
    broker_env.await_ready("all")
    assert not broker_env.status(TRIGGER, "elsewhere")
    assert "finalizers" not in broker_env.get(TRIGGER, "elsewhere")["metadata"]


def test_certificates_of_a_subscribers_own(broker_env: BrokerEnv, sink: Sink) -> None:
    """What has an address without, beside the one with them, is delivered to there."""
    broker_env.broker()
    tls = {"name": "https", "url": "https://sink.test/", "CACerts": "-----BEGIN CERTIFICATE-----"}
    broker_env.addressee("sink", None)
    broker_env.patch(ADDRESSEE, "sink", {"status": {"address": tls, "addresses": [tls]}}, ADDRESSEE.Status)
    broker_env.trigger("all", subscriber=to("sink"))
    broker_env.start_bridge()
    broker_env.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "CACertsNotSupported")
    broker_env.await_condition(TRIGGER, "all", "Ready", "False", "CACertsNotSupported")
    plain = {"name": "http", "url": sink.url}
    broker_env.patch(ADDRESSEE, "sink", {"status": {"addresses": [tls, plain]}}, ADDRESSEE.Status)
    broker_env.await_ready("all")
    assert broker_env.status(TRIGGER, "all")["subscriberUri"] == sink.url


@pytest.mark.slow
def test_while_nats_is_away_nothing_is_known_to_be_ready(
    own_nats_env: BrokerEnv, nats_server: NatsServer, sink: Sink
) -> None:
    broker_env = own_nats_env
    broker_env.broker()
    broker_env.trigger("all", subscriber={"uri": sink.url})
    broker_env.start_bridge()
    broker_env.await_ready("all")
    nats_server.kill()
    broker_env.trigger("later", subscriber={"uri": sink.url})
    broker_env.await_condition(BROKER, "default", "Ready", "Unknown", "NatsUnreachable")
    broker_env.await_condition(TRIGGER, "all", "Ready", "Unknown", "NatsUnreachable")
    nats_server.start()
    broker_env.await_condition(BROKER, "default", "Ready", "True")
    broker_env.await_ready("all", "later")
