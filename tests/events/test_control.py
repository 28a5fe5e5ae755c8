"""Brokers and Triggers in a Kubernetes API: made, edited, deleted, in any order."""

import time
from datetime import UTC, datetime

from events.broker import manifest
from events.broker.model import Cleanup
from events.broker.streams import ensure_streams, remove
from events.controller.kinds import BROKER, TRIGGER
from tests.events.broker_env import BrokerEnv, to
from tests.events.harness import Sink, Stage, event
from tests.eventually import eventually

TOGETHER_SECONDS = 2.5  # within two, a Trigger was made together with its log


def test_a_trigger_before_its_broker(broker_env: BrokerEnv, sink: Sink) -> None:
    broker_env.addressee("sink", sink.url)
    broker_env.trigger("early", subscriber=to("sink"))
    broker_env.start_bridge()
    broker_env.await_condition(TRIGGER, "early", "Ready", "False", "BrokerDoesNotExist")
    broker_env.broker()
    broker_env.await_ready("early")
    broker_env.stage.publish(event())
    sink.await_requests(1)


def test_other_classes_are_left_alone(broker_env: BrokerEnv, sink: Sink) -> None:
    broker_env.broker("other", broker_class="AnotherClass")
    broker_env.broker()
    broker_env.trigger("of-other", broker="other", subscriber={"uri": sink.url})
    broker_env.trigger("of-ours", subscriber={"uri": sink.url})
    broker_env.start_bridge()
    broker_env.await_ready("of-ours")
    assert not broker_env.status(BROKER, "other")
    assert not broker_env.status(TRIGGER, "of-other")
    assert "finalizers" not in broker_env.get(TRIGGER, "of-other")["metadata"]
    assert broker_env.consumers() == ["of-ours"]


def test_editing_a_trigger(broker_env: BrokerEnv, sink: Sink, other_sink: Sink) -> None:
    broker_env.broker()
    broker_env.trigger("all", subscriber={"uri": sink.url}, filter={"attributes": {"type": "one"}})
    broker_env.start_bridge()
    broker_env.await_ready("all")
    broker_env.stage.publish(event("one"))
    sink.await_requests(1)
    edited = {"subscriber": {"uri": other_sink.url}, "filter": {"attributes": {"type": "two"}}}
    broker_env.patch(TRIGGER, "all", {"spec": edited})
    eventually(lambda: broker_env.status(TRIGGER, "all")["subscriberUri"] == other_sink.url)
    broker_env.await_ready("all")
    broker_env.stage.publish(event("one"), event("two"))
    assert other_sink.await_requests(1)[0].headers["ce-type"] == "two"
    broker_env.stage.await_settled("all")
    assert len(sink.requests) == len(other_sink.requests) == 1


def test_deleting_a_trigger_and_making_another_of_its_name(broker_env: BrokerEnv, sink: Sink, other_sink: Sink) -> None:
    broker_env.broker()
    broker_env.trigger("all", subscriber={"uri": sink.url})
    broker_env.trigger("again", subscriber={"uri": sink.url})
    broker_env.start_bridge()
    broker_env.await_ready("all", "again")
    broker_env.delete(TRIGGER, "again")
    eventually(lambda: not broker_env.exists(TRIGGER, "again"))
    assert broker_env.consumers() == ["all"]
    broker_env.stage.publish(event(id="between"))
    sink.await_requests(1)
    broker_env.trigger("again", subscriber={"uri": other_sink.url})
    broker_env.await_ready("again")
    broker_env.stage.publish(event(id="after"))
    eventually(lambda: "after" in other_sink.ids)
    assert sink.await_requests(2)[1].id == "after"


def test_a_bridge_without_finalizers_removes_those_of_another(broker_env: BrokerEnv, sink: Sink) -> None:
    """Where bridge, Brokers and NATS are deleted at once, as by skaffold, no bridge would remove a finalizer."""
    broker_env.broker()
    broker_env.trigger("all", subscriber={"uri": sink.url})
    stop_first = broker_env.start_bridge()
    broker_env.await_ready("all")
    assert broker_env.get(TRIGGER, "all")["metadata"]["finalizers"]
    stop_first()
    stop = broker_env.start_bridge(use_finalizers=False)
    eventually(lambda: not broker_env.get(TRIGGER, "all")["metadata"].get("finalizers"))
    eventually(lambda: not broker_env.get(BROKER, "default")["metadata"].get("finalizers"))
    broker_env.await_ready("all")
    broker_env.stage.publish(event())
    sink.await_requests(1)
    stop()
    broker_env.delete(TRIGGER, "all")
    broker_env.delete(BROKER, "default")
    assert not broker_env.exists(TRIGGER, "all")
    assert not broker_env.exists(BROKER, "default")


def test_a_trigger_gets_what_comes_after_it_was_made(broker_env: BrokerEnv, sink: Sink, other_sink: Sink) -> None:
    """By the objects' own times: how late a bridge gets to see one does not matter."""
    stage, objects = broker_env.stage, broker_env.stage.objects
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


def test_deleting_a_broker(broker_env: BrokerEnv, sink: Sink) -> None:
    broker_env.broker()
    broker_env.trigger("all", subscriber={"uri": sink.url})
    broker_env.start_bridge()
    broker_env.await_ready("all")
    assert len(broker_env.streams()) == 3
    broker_env.delete(BROKER, "default")
    eventually(lambda: not broker_env.exists(BROKER, "default"))
    assert broker_env.streams() == []
    broker_env.await_condition(TRIGGER, "all", "Ready", "False", "BrokerDoesNotExist")
    broker_env.broker()
    broker_env.await_ready("all")
    broker_env.stage.publish(event(id="new"))
    sink.await_requests(1)
    broker_env.delete(TRIGGER, "all")
    eventually(lambda: not broker_env.exists(TRIGGER, "all"))


def test_what_was_deleted_while_no_bridge_ran_is_cleaned_up(broker_env: BrokerEnv, sink: Sink) -> None:
    broker_env.broker()
    broker_env.trigger("all", subscriber={"uri": sink.url})
    stop = broker_env.start_bridge()
    broker_env.await_ready("all")
    stop()
    broker_env.delete(TRIGGER, "all")
    broker_env.delete(BROKER, "default")
    assert broker_env.exists(BROKER, "default")
    broker_env.start_bridge()
    eventually(lambda: not broker_env.exists(BROKER, "default") and not broker_env.exists(TRIGGER, "all"))
    assert broker_env.streams() == []


def test_an_object_that_is_merely_gone_takes_nothing_with_it(broker_env: BrokerEnv, sink: Sink) -> None:
    """Its finalizers were removed by hand, or an old state of the cluster was restored."""
    broker_env.broker()
    broker_env.trigger("all", subscriber={"uri": sink.url})
    stop = broker_env.start_bridge()
    broker_env.await_ready("all")
    stop()
    for kind, name in ((TRIGGER, "all"), (BROKER, "default")):
        broker_env.patch(kind, name, {"metadata": {"finalizers": None}})
        broker_env.delete(kind, name)
    broker_env.stage.publish(event(id="kept"))
    broker_env.broker("another")
    broker_env.start_bridge()
    broker_env.await_condition(BROKER, "another", "Ready", "True")
    assert len(broker_env.streams()) == 6
    broker_env.broker()
    broker_env.trigger("all", subscriber={"uri": sink.url})
    assert sink.await_requests(1)[0].id == "kept"


def test_what_was_made_for_a_later_object_of_the_name_is_not_removed(broker_env: BrokerEnv, sink: Sink) -> None:
    """A replica may be late to learn that another one has cleaned up."""
    broker_env.broker()
    broker_env.trigger("all", subscriber={"uri": sink.url})
    broker_env.start_bridge()
    broker_env.await_ready("all")
    stage = broker_env.stage
    for name in (None, "all"):
        broker_env.loop.run(remove(stage.jetstream, Cleanup(stage.stream_names, name, "the-uid-of-an-earlier-one")))
    assert len(broker_env.streams()) == 3
    assert broker_env.consumers() == ["all"]
