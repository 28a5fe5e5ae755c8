"""What is said about Brokers and Triggers in a Kubernetes API, and whom their references lead to."""

import asyncio
import json

import pytest
from lightkube import AsyncClient

from events.broker.destinations import UnresolvedError
from events.controller.kinds import BROKER, TRIGGER
from events.controller.references import PendingError, References
from events.controller.snapshot import FINALIZER
from tests.events.api_server import ApiServer, Instead
from tests.events.broker_env import ADDRESSEE, DOMAIN, INGRESS_URL, SERVICE, Realm, config_of, to
from tests.events.harness import Loop, Sink, event
from tests.events.processes import NatsServer
from tests.eventually import eventually


def test_a_broker_and_its_trigger(realm: Realm, sink: Sink) -> None:
    realm.addressee("sink", sink.url + "base/")
    realm.addressee("letters", "http://letters.test/")
    realm.broker()
    realm.trigger("all", subscriber=to("sink", uri="path"), delivery={"deadLetterSink": to("letters")})
    realm.start_bridge()
    realm.await_ready("all")
    realm.stage.publish(event(id="1"))
    (request,) = sink.await_requests(1)
    assert (request.id, request.path) == ("1", "/base/path")
    broker, trigger = realm.get(BROKER, "default"), realm.status(TRIGGER, "all")
    address = f"{INGRESS_URL}/{realm.namespace}/default"
    assert broker["status"]["address"] == {"name": "http", "url": address}
    assert broker["status"]["observedGeneration"] == broker["metadata"]["generation"]
    assert FINALIZER in broker["metadata"]["finalizers"]
    assert set(realm.conditions(BROKER, "default")) == {
        "Addressable",
        "DeadLetterSinkResolved",
        "Ready",
        "StreamsReady",
    }
    assert trigger["subscriberUri"] == sink.url + "base/path"
    assert trigger["deadLetterSinkUri"] == "http://letters.test/"
    assert set(realm.conditions(TRIGGER, "all").items()) == {
        ("BrokerReady", ("True", "")),
        ("DeadLetterSinkResolved", ("True", "")),
        ("DependencyReady", ("True", "")),
        ("Ready", ("True", "")),
        ("SubscriberResolved", ("True", "")),
        ("SubscriptionReady", ("True", "")),
    }


def test_a_subscriber_that_cannot_be_resolved_until_it_can(realm: Realm, sink: Sink) -> None:
    realm.broker()
    realm.trigger("all", subscriber=to("sink"))
    realm.start_bridge()
    realm.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "NotFound")
    realm.await_condition(TRIGGER, "all", "Ready", "False", "NotFound")
    assert realm.status(TRIGGER, "all")["subscriberUri"] == ""
    realm.addressee("sink", None)
    realm.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "NoAddress")
    realm.readdress("sink", sink.url)
    realm.await_ready("all")
    realm.stage.publish(event(id="1"))
    sink.await_requests(1)
    realm.delete(ADDRESSEE, "sink")
    realm.await_condition(TRIGGER, "all", "Ready", "False", "NotFound")
    realm.stage.publish(event(id="2"))
    realm.addressee("sink", sink.url)
    assert sink.await_requests(2)[1].id == "2"


def test_a_kind_that_nobody_knows(realm: Realm, sink: Sink) -> None:
    realm.broker()
    unknown = {"apiVersion": "nowhere.test/v1", "kind": "Nothing", "name": "a"}
    realm.trigger("lost", subscriber={"ref": unknown})
    realm.trigger("all", subscriber={"uri": sink.url})
    realm.start_bridge()
    realm.await_ready("all")
    eventually(lambda: realm.conditions(TRIGGER, "lost").get("SubscriberResolved", ("", ""))[0] == "False")


def test_a_kind_that_the_bridge_may_not_list(fragile: Realm, api_server: ApiServer, sink: Sink) -> None:
    """It is reported soon, also where a pending condition was reported before, and ends once it is permitted."""
    api_server.instead = lambda request: Instead(502) if asks_for_addressees(request) else None
    fragile.addressee("sink", sink.url)
    fragile.broker()
    fragile.trigger("all", subscriber=to("sink"))
    fragile.start_bridge()
    fragile.await_condition(TRIGGER, "all", "SubscriberResolved", "Unknown", "Pending")
    api_server.instead = lambda request: Instead(403) if asks_for_addressees(request) else None
    fragile.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "NotResolvable")
    fragile.await_condition(TRIGGER, "all", "Ready", "False", "NotResolvable")
    api_server.instead = lambda _: None
    fragile.await_ready("all")


def test_a_pending_condition_says_why_it_is_pending_now(fragile: Realm, api_server: ApiServer) -> None:
    api_server.instead = lambda request: Instead(500) if asks_for_addressees(request) else None
    fragile.broker()
    fragile.trigger("all", subscriber=to("sink"))
    fragile.start_bridge()
    fragile.await_condition(TRIGGER, "all", "SubscriberResolved", "Unknown", "Pending")
    api_server.instead = lambda request: Instead(502) if asks_for_addressees(request) else None
    eventually(lambda: "502" in message(fragile, "all", "SubscriberResolved"))
    api_server.instead = lambda _: None


def asks_for_addressees(request: str) -> bool:
    return request.startswith("GET") and "addressees" in request


def message(realm: Realm, trigger: str, condition: str) -> str:
    entries = realm.status(TRIGGER, trigger)["conditions"]
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


def test_a_url_that_events_cannot_be_delivered_to(realm: Realm, sink: Sink) -> None:
    """What is sent there is dead-lettered, as Knative's conformance tests want it."""
    realm.broker()
    delivery = {"deadLetterSink": {"uri": sink.url}}
    realm.trigger("all", subscriber={"uri": "ftp://nowhere/"}, delivery=delivery)
    realm.start_bridge()
    realm.await_condition(TRIGGER, "all", "SubscriptionReady", "True")
    realm.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "UnsupportedScheme")
    realm.await_condition(TRIGGER, "all", "Ready", "False", "UnsupportedScheme")
    realm.stage.publish(event(id="dead"))
    assert sink.await_requests(1)[0].id == "dead"


def test_a_kubernetes_service(realm: Realm) -> None:
    realm.broker()
    realm.create(SERVICE, "a-service", spec={"ports": [{"port": 80}]})
    reference = {"apiVersion": "v1", "kind": "Service", "name": "a-service"}
    realm.trigger("all", subscriber={"ref": reference, "uri": "/path"})
    realm.trigger("none", subscriber={"ref": {**reference, "name": "missing"}})
    realm.start_bridge()
    realm.await_ready("all")
    expected = f"http://a-service.{realm.namespace}.svc.{DOMAIN}/path"
    assert realm.status(TRIGGER, "all")["subscriberUri"] == expected
    realm.await_condition(TRIGGER, "none", "SubscriberResolved", "False", "NotFound")


@pytest.mark.parametrize(
    ("annotations", "spec", "reason"),
    [
        ({}, {"filters": [{"xpath": "type"}]}, "FilterNotSupported"),
        ({}, {"filters": [{"any": [{"exact": {"type": 5}}]}]}, "InvalidSpec"),
        ({"jetstream.ticketing.dev/concurrency": "many"}, {}, "InvalidSpec"),
    ],
)
def test_what_cannot_be_done_is_said(
    realm: Realm, sink: Sink, annotations: dict[str, str], spec: dict[str, object], reason: str
) -> None:
    realm.broker()
    realm.trigger("bad", annotations, subscriber={"uri": sink.url}, **spec)
    realm.trigger("good", subscriber={"uri": sink.url})
    realm.start_bridge()
    realm.await_condition(TRIGGER, "bad", "SubscriptionReady", "False", reason)
    realm.await_ready("good")
    assert realm.conditions(TRIGGER, "bad")["Ready"][0] == "False"
    assert realm.consumers() == ["good"]


def test_a_broker_that_jetstream_refuses_stops_no_other(realm: Realm, sink: Sink) -> None:
    realm.create(
        BROKER,
        "greedy",
        {"eventing.knative.dev/broker.class": "JetStreamBridge", "jetstream.ticketing.dev/replicas": "3"},
        spec={},
    )
    realm.trigger("of-greedy", broker="greedy", subscriber={"uri": sink.url})
    realm.broker()
    realm.trigger("all", subscriber={"uri": sink.url})
    realm.start_bridge()
    realm.await_ready("all")
    realm.await_condition(BROKER, "greedy", "Ready", "False", "Refused")
    realm.await_condition(TRIGGER, "of-greedy", "BrokerReady", "False", "Refused")


def test_the_brokers_dead_letter_sink_is_its_triggers_too(realm: Realm, sink: Sink, other_sink: Sink) -> None:
    sink.answer = lambda _: pytest.fail("not asked")
    realm.addressee("letters", other_sink.url)
    realm.broker(delivery={"deadLetterSink": to("missing")})
    realm.create(TRIGGER, "all", spec={"broker": "default", "subscriber": {"uri": "http://127.0.0.1:1/"}})
    realm.start_bridge()
    realm.await_condition(BROKER, "default", "DeadLetterSinkResolved", "False", "NotFound")
    realm.await_condition(TRIGGER, "all", "DeadLetterSinkResolved", "False", "NotFound")
    realm.patch(BROKER, "default", {"spec": {"delivery": {"deadLetterSink": to("letters"), "retry": 0}}})
    realm.await_ready("all")
    assert realm.status(BROKER, "default")["deadLetterSinkUri"] == other_sink.url
    assert realm.status(TRIGGER, "all")["deadLetterSinkUri"] == other_sink.url
    realm.stage.publish(event(id="dead"))
    assert other_sink.await_requests(1)[0].id == "dead"


def test_waiting_for_a_source(realm: Realm, sink: Sink) -> None:
    source = {"apiVersion": "test.ticketing.dev/v1", "kind": "Addressee", "name": "source"}
    realm.broker()
    realm.trigger("waiting", {"knative.dev/dependency": json.dumps(source)}, subscriber={"uri": sink.url})
    realm.start_bridge()
    realm.await_condition(TRIGGER, "waiting", "DependencyReady", "False", "DependencyDoesNotExist")
    realm.create(ADDRESSEE, "source")
    realm.await_condition(TRIGGER, "waiting", "DependencyReady", "Unknown", "GenerationNotEqual")
    ready = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
    realm.patch(ADDRESSEE, "source", {"status": ready}, ADDRESSEE.Status)
    realm.await_ready("waiting")


def test_what_another_controller_says_of_a_missing_broker_is_left(realm: Realm, sink: Sink) -> None:
    """Two that each said it in their own way would write for ever."""
    realm.broker("another")
    realm.trigger("orphan", subscriber={"uri": sink.url}, broker="nobodys")
    realm.trigger("all", subscriber={"uri": sink.url}, broker="another")
    theirs = [{"type": name, "status": "False", "reason": "Theirs"} for name in ("BrokerReady", "Ready", "Other")]
    realm.patch(TRIGGER, "orphan", {"status": {"observedGeneration": 1, "conditions": theirs}}, TRIGGER.Status)
    realm.start_bridge()
    realm.await_ready("all")
    assert {reason for _, reason in realm.conditions(TRIGGER, "orphan").values()} == {"Theirs"}


@pytest.mark.parametrize("spec", [{"brokerRef": {"name": "default", "namespace": "elsewhere"}}, {"broker": ""}, {}])
def test_a_trigger_that_names_no_broker_here_is_left_alone(realm: Realm, sink: Sink, spec: dict[str, object]) -> None:
    realm.create(TRIGGER, "elsewhere", spec={**spec, "subscriber": {"uri": sink.url}})
    realm.broker()
    realm.start_bridge()
    realm.trigger("all", subscriber={"uri": sink.url})
    realm.await_ready("all")
    assert not realm.status(TRIGGER, "elsewhere")
    assert "finalizers" not in realm.get(TRIGGER, "elsewhere")["metadata"]


def test_certificates_of_a_subscribers_own(realm: Realm, sink: Sink) -> None:
    """What has an address without, beside the one with them, is delivered to there."""
    realm.broker()
    tls = {"name": "https", "url": "https://sink.test/", "CACerts": "-----BEGIN CERTIFICATE-----"}
    realm.addressee("sink", None)
    realm.patch(ADDRESSEE, "sink", {"status": {"address": tls, "addresses": [tls]}}, ADDRESSEE.Status)
    realm.trigger("all", subscriber=to("sink"))
    realm.start_bridge()
    realm.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "CACertsNotSupported")
    realm.await_condition(TRIGGER, "all", "Ready", "False", "CACertsNotSupported")
    plain = {"name": "http", "url": sink.url}
    realm.patch(ADDRESSEE, "sink", {"status": {"addresses": [tls, plain]}}, ADDRESSEE.Status)
    realm.await_ready("all")
    assert realm.status(TRIGGER, "all")["subscriberUri"] == sink.url


@pytest.mark.slow
def test_while_nats_is_away_nothing_is_known_to_be_ready(stranded: Realm, nats_server: NatsServer, sink: Sink) -> None:
    realm = stranded
    realm.broker()
    realm.trigger("all", subscriber={"uri": sink.url})
    realm.start_bridge()
    realm.await_ready("all")
    nats_server.kill()
    realm.trigger("later", subscriber={"uri": sink.url})
    realm.await_condition(BROKER, "default", "Ready", "Unknown", "NatsUnreachable")
    realm.await_condition(TRIGGER, "all", "Ready", "Unknown", "NatsUnreachable")
    nats_server.start()
    realm.await_condition(BROKER, "default", "Ready", "True")
    realm.await_ready("all", "later")
