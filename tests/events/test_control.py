"""Brokers and Triggers in a Kubernetes API: made, edited, deleted, in any order."""

import time
from datetime import UTC, datetime

from events.broker import manifest
from events.broker.model import Cleanup
from events.broker.streams import ensure_streams, remove
from events.controller.kinds import BROKER, TRIGGER
from tests.events.broker_env import Realm, to
from tests.events.harness import Sink, Stage, event
from tests.eventually import eventually

TOGETHER_SECONDS = 2.5  # within two, a Trigger was made together with its log


def test_a_trigger_before_its_broker(realm: Realm, sink: Sink) -> None:
    realm.addressee("sink", sink.url)
    realm.trigger("early", subscriber=to("sink"))
    realm.start_bridge()
    realm.await_condition(TRIGGER, "early", "Ready", "False", "BrokerDoesNotExist")
    realm.broker()
    realm.await_ready("early")
    realm.stage.publish(event())
    sink.await_requests(1)


def test_other_classes_are_left_alone(realm: Realm, sink: Sink) -> None:
    realm.broker("other", broker_class="SomebodyElses")
    realm.broker()
    realm.trigger("of-other", broker="other", subscriber={"uri": sink.url})
    realm.trigger("of-ours", subscriber={"uri": sink.url})
    realm.start_bridge()
    realm.await_ready("of-ours")
    assert not realm.status(BROKER, "other")
    assert not realm.status(TRIGGER, "of-other")
    assert "finalizers" not in realm.get(TRIGGER, "of-other")["metadata"]
    assert realm.consumers() == ["of-ours"]


def test_editing_a_trigger(realm: Realm, sink: Sink, other_sink: Sink) -> None:
    realm.broker()
    realm.trigger("all", subscriber={"uri": sink.url}, filter={"attributes": {"type": "one"}})
    realm.start_bridge()
    realm.await_ready("all")
    realm.stage.publish(event("one"))
    sink.await_requests(1)
    edited = {"subscriber": {"uri": other_sink.url}, "filter": {"attributes": {"type": "two"}}}
    realm.patch(TRIGGER, "all", {"spec": edited})
    eventually(lambda: realm.status(TRIGGER, "all")["subscriberUri"] == other_sink.url)
    realm.await_ready("all")
    realm.stage.publish(event("one"), event("two"))
    assert other_sink.await_requests(1)[0].headers["ce-type"] == "two"
    realm.stage.await_settled("all")
    assert len(sink.requests) == len(other_sink.requests) == 1


def test_deleting_a_trigger_and_making_another_of_its_name(realm: Realm, sink: Sink, other_sink: Sink) -> None:
    realm.broker()
    realm.trigger("all", subscriber={"uri": sink.url})
    realm.trigger("again", subscriber={"uri": sink.url})
    realm.start_bridge()
    realm.await_ready("all", "again")
    realm.delete(TRIGGER, "again")
    eventually(lambda: not realm.exists(TRIGGER, "again"))
    assert realm.consumers() == ["all"]
    realm.stage.publish(event(id="between"))
    sink.await_requests(1)
    realm.trigger("again", subscriber={"uri": other_sink.url})
    realm.await_ready("again")
    realm.stage.publish(event(id="after"))
    eventually(lambda: "after" in other_sink.ids)
    assert sink.await_requests(2)[1].id == "after"


def test_a_bridge_that_holds_nothing_lets_go_of_what_another_held(realm: Realm, sink: Sink) -> None:
    """Where bridge, Brokers and NATS go at once, as with skaffold, nobody would be left to take a finalizer off."""
    realm.broker()
    realm.trigger("all", subscriber={"uri": sink.url})
    holding = realm.start_bridge()
    realm.await_ready("all")
    assert realm.get(TRIGGER, "all")["metadata"]["finalizers"]
    holding()
    stop = realm.start_bridge(use_finalizers=False)
    eventually(lambda: not realm.get(TRIGGER, "all")["metadata"].get("finalizers"))
    eventually(lambda: not realm.get(BROKER, "default")["metadata"].get("finalizers"))
    realm.await_ready("all")
    realm.stage.publish(event())
    sink.await_requests(1)
    stop()
    realm.delete(TRIGGER, "all")
    realm.delete(BROKER, "default")
    assert not realm.exists(TRIGGER, "all")
    assert not realm.exists(BROKER, "default")


def test_a_trigger_gets_what_comes_after_it_was_made(realm: Realm, sink: Sink, other_sink: Sink) -> None:
    """By the objects' own times: how late a bridge gets to see one does not matter."""
    stage, objects = realm.stage, realm.stage.objects
    stage.trigger("old", sink)
    stage.trigger("new", other_sink)
    for item, created in zip(objects[1:], ("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"), strict=True):
        item["metadata"]["creationTimestamp"] = created
    stage.loop.run(ensure_streams(stage.jetstream, manifest.desired_state(objects).brokers[0]))
    stage.publish(event(id="before"))
    stage.start_bridge()
    assert sink.await_requests(1)[0].id == "before"
    stage.publish(event(id="after"))
    assert other_sink.await_requests(1)[0].id == "after"


def test_also_what_comes_before_its_consumer(stage: Stage, sink: Sink) -> None:
    """No bridge ran when it was made, or NATS was away, or its consumer was lost."""
    stage.trigger("late", sink)
    (made,) = manifest.desired_state(stage.objects).routes()
    stage.loop.run(ensure_streams(stage.jetstream, made.broker))
    stage.publish(event(id="before"))
    time.sleep(TOGETHER_SECONDS)
    stage.objects[1]["metadata"]["creationTimestamp"] = datetime.now(UTC).isoformat()
    time.sleep(0.1)
    stage.publish(event(id="after"))
    stage.start_bridge()
    assert sink.await_requests(1)[0].id == "after"


def test_deleting_a_broker(realm: Realm, sink: Sink) -> None:
    realm.broker()
    realm.trigger("all", subscriber={"uri": sink.url})
    realm.start_bridge()
    realm.await_ready("all")
    assert len(realm.streams()) == 3
    realm.delete(BROKER, "default")
    eventually(lambda: not realm.exists(BROKER, "default"))
    assert realm.streams() == []
    realm.await_condition(TRIGGER, "all", "Ready", "False", "BrokerDoesNotExist")
    realm.broker()
    realm.await_ready("all")
    realm.stage.publish(event(id="new"))
    sink.await_requests(1)
    realm.delete(TRIGGER, "all")
    eventually(lambda: not realm.exists(TRIGGER, "all"))


def test_what_was_deleted_while_no_bridge_ran_is_cleaned_up(realm: Realm, sink: Sink) -> None:
    realm.broker()
    realm.trigger("all", subscriber={"uri": sink.url})
    stop = realm.start_bridge()
    realm.await_ready("all")
    stop()
    realm.delete(TRIGGER, "all")
    realm.delete(BROKER, "default")
    assert realm.exists(BROKER, "default")
    realm.start_bridge()
    eventually(lambda: not realm.exists(BROKER, "default") and not realm.exists(TRIGGER, "all"))
    assert realm.streams() == []


def test_an_object_that_is_merely_gone_takes_nothing_with_it(realm: Realm, sink: Sink) -> None:
    """Somebody took the finalizers off, or restored an old state of the cluster."""
    realm.broker()
    realm.trigger("all", subscriber={"uri": sink.url})
    stop = realm.start_bridge()
    realm.await_ready("all")
    stop()
    for kind, name in ((TRIGGER, "all"), (BROKER, "default")):
        realm.patch(kind, name, {"metadata": {"finalizers": None}})
        realm.delete(kind, name)
    realm.stage.publish(event(id="kept"))
    realm.broker("another")
    realm.start_bridge()
    realm.await_condition(BROKER, "another", "Ready", "True")
    assert len(realm.streams()) == 6
    realm.broker()
    realm.trigger("all", subscriber={"uri": sink.url})
    assert sink.await_requests(1)[0].id == "kept"


def test_what_was_made_for_a_later_object_of_the_name_is_not_removed(realm: Realm, sink: Sink) -> None:
    """A replica may be late to learn that somebody else has cleaned up."""
    realm.broker()
    realm.trigger("all", subscriber={"uri": sink.url})
    realm.start_bridge()
    realm.await_ready("all")
    stage = realm.stage
    for name in (None, "all"):
        realm.loop.run(remove(stage.jetstream, Cleanup(stage.stream_names, name, "the-uid-of-an-earlier-one")))
    assert len(realm.streams()) == 3
    assert realm.consumers() == ["all"]
