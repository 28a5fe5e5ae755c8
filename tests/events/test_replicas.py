"""Replicas that learn of changes at different times, each from an API server of its own."""

import pytest

from events.broker import manifest
from events.broker.consumers import ensure_consumer
from events.broker.streams import ensure_streams
from events.controller.kinds import BROKER, TRIGGER
from tests.events.api_server import ApiServer, Instead
from tests.events.broker_env import ADDRESSEE, BrokerEnv, to
from tests.events.harness import Sink, Stage, event
from tests.eventually import eventually

NOT_FOUND = Instead(404, body=b'{"kind": "Status", "code": 404}')
UNAVAILABLE = Instead(500, body=b'{"kind": "Status", "code": 500}')


def asked(server: ApiServer, kind: str) -> int:
    """Count the requests for single objects of a kind."""
    return sum(f"/{kind}/" in request and request.startswith("GET ") for request in server.requests)


def status_writes(server: ApiServer) -> int:
    """Count the patches of Brokers and Triggers that a server had."""
    return sum(request.startswith("PATCH ") and "/leases/" not in request for request in server.requests)


def test_a_replica_that_has_not_heard_of_a_deletion_undoes_nothing(
    own_api_env: BrokerEnv, other_api_server: ApiServer, sink: Sink, other_sink: Sink
) -> None:
    own_api_env.broker()
    own_api_env.trigger("all", subscriber={"uri": sink.url})
    own_api_env.trigger("again", subscriber={"uri": other_sink.url})
    own_api_env.start_bridge()
    own_api_env.start_bridge(other_api_server)
    own_api_env.await_bound("all", 2)
    own_api_env.await_bound("again", 2)
    own_api_env.await_ready("all", "again")
    other_api_server.silent = ("brokers", "triggers")
    own_api_env.delete(TRIGGER, "again")
    eventually(lambda: not own_api_env.exists(TRIGGER, "again"))
    eventually(lambda: asked(other_api_server, "triggers") > 0)
    own_api_env.stage.publish(event(id="between"))
    sink.await_requests(1)
    assert own_api_env.consumers() == ["all"]
    assert not other_sink.requests
    other_api_server.silent = ()
    own_api_env.trigger("again", subscriber={"uri": other_sink.url})
    own_api_env.await_bound("again", 2)
    own_api_env.stage.publish(event(id="after"))
    eventually(lambda: "after" in other_sink.ids)


def test_a_replica_that_has_not_heard_of_a_brokers_deletion_undoes_nothing(
    own_api_env: BrokerEnv, other_api_server: ApiServer, sink: Sink
) -> None:
    own_api_env.broker()
    own_api_env.trigger("all", subscriber={"uri": sink.url})
    own_api_env.start_bridge()
    own_api_env.start_bridge(other_api_server)
    own_api_env.await_bound("all", 2)
    own_api_env.await_ready("all")
    other_api_server.silent = ("brokers", "triggers")
    own_api_env.delete(BROKER, "default")
    eventually(lambda: not own_api_env.exists(BROKER, "default"))
    eventually(lambda: asked(other_api_server, "brokers") > 0)
    assert own_api_env.streams() == []
    other_api_server.silent = ()
    own_api_env.broker()
    own_api_env.await_bound("all", 2)
    own_api_env.await_ready("all")


@pytest.mark.slow
def test_a_lost_log_is_created_again_once_the_api_confirms_the_broker(
    own_api_env: BrokerEnv, api_server: ApiServer, sink: Sink
) -> None:
    own_api_env.broker()
    own_api_env.trigger("all", subscriber={"uri": sink.url})
    own_api_env.start_bridge()
    own_api_env.await_bound("all", 1)
    own_api_env.await_ready("all")
    api_server.instead = lambda request: UNAVAILABLE if "/brokers/" in request else None
    own_api_env.loop.run(own_api_env.stage.jetstream.delete_stream(own_api_env.stage.stream_names.log))
    eventually(lambda: asked(api_server, "brokers") > 0)
    assert len(own_api_env.streams()) == 2
    api_server.instead = lambda _: None
    eventually(lambda: len(own_api_env.streams()) == 3)
    eventually(lambda: own_api_env.consumers() == ["all"])
    own_api_env.stage.publish(event(id="new"))
    assert sink.await_requests(1)[0].id == "new"


def test_an_object_that_is_gone_without_a_finalizer_is_cleaned_up(
    own_api_env: BrokerEnv, api_server: ApiServer, sink: Sink
) -> None:
    """What a replica made that is late to hear of an object, and of its end."""
    own_api_env.broker()
    own_api_env.trigger("all", subscriber={"uri": sink.url})
    own_api_env.trigger("gone", subscriber={"uri": sink.url})
    own_api_env.start_bridge()
    own_api_env.await_ready("all", "gone")
    api_server.silent = ("brokers", "triggers")
    own_api_env.patch(TRIGGER, "gone", {"metadata": {"finalizers": None}})
    own_api_env.delete(TRIGGER, "gone")
    assert own_api_env.consumers() == ["all", "gone"]
    api_server.silent = ()
    eventually(lambda: own_api_env.consumers() == ["all"])


def test_a_trigger_takes_over_from_none_of_its_name(stage: Stage, sink: Sink) -> None:
    stage.trigger("all", sink)
    metadata = stage.objects[1]["metadata"]
    metadata["uid"] = "earlier"
    made = manifest.desired_state(stage.objects)
    stage.loop.run(ensure_streams(stage.jetstream, made.brokers[0]))
    stage.loop.run(ensure_consumer(stage.jetstream, made.triggers[0], made.brokers[0], 1))
    stage.publish(event(id="before"))
    metadata |= {"uid": "later", "creationTimestamp": "2100-01-01T00:00:00Z"}
    stage.start_bridge()
    stage.publish(event(id="after"))
    assert sink.await_requests(1)[0].id == "after"


def test_a_replica_that_has_not_heard_of_an_edit_takes_nothing_from_it(stage: Stage, sink: Sink) -> None:
    """What the consumer hands out by now, and its own filter does not want, is not its to acknowledge."""
    stage.trigger("all", sink, filter={"attributes": {"type": "one"}})
    stop = stage.start_bridge()
    stage.objects.pop()
    stage.trigger("all", sink, filter={"attributes": {"type": "two"}})
    (edited,) = manifest.desired_state(stage.objects).routes()
    stage.loop.run(ensure_consumer(stage.jetstream, edited.trigger, edited.broker, 10))
    stage.publish(event("two", id="wanted"))
    eventually(lambda: _handed_out_again(stage, "all"))
    stop()
    stage.start_bridge()
    assert sink.await_requests(1)[0].id == "wanted"


def _handed_out_again(stage: Stage, consumer: str) -> bool:
    info = stage.loop.run(stage.jetstream.consumer_info(stage.stream_names.log, consumer))
    return bool(info.num_redelivered) or not (info.num_pending or info.num_ack_pending)


def test_a_kind_that_one_replica_knows_before_the_other(
    own_api_env: BrokerEnv, api_server: ApiServer, other_api_server: ApiServer, sink: Sink
) -> None:
    """The one that leads says what it knows, the other nothing."""
    own_api_env.addressee("sink", sink.url)
    own_api_env.broker()
    own_api_env.trigger("all", subscriber=to("sink"))
    own_api_env.start_bridge()
    own_api_env.await_ready("all")
    writes = status_writes(api_server)
    other_api_server.instead = lambda request: NOT_FOUND if "addressees" in request else None
    own_api_env.start_bridge(other_api_server)
    eventually(lambda: sum("addressees" in request for request in other_api_server.requests) > 2)
    other_api_server.instead = lambda _: None
    own_api_env.await_bound("all", 2)
    assert status_writes(api_server) + status_writes(other_api_server) == writes


def test_a_replica_that_does_not_know_reports_nothing(
    own_api_env: BrokerEnv, api_server: ApiServer, other_api_server: ApiServer, sink: Sink
) -> None:
    own_api_env.addressee("sink", sink.url)
    own_api_env.broker()
    own_api_env.trigger("all", subscriber=to("sink"))
    own_api_env.trigger("other", subscriber={"uri": sink.url})
    own_api_env.start_bridge()
    own_api_env.await_ready("all", "other")
    writes = status_writes(api_server)
    other_api_server.instead = lambda request: UNAVAILABLE if "addressees" in request else None
    own_api_env.start_bridge(other_api_server)
    own_api_env.await_bound("other", 2)
    assert status_writes(api_server) + status_writes(other_api_server) == writes
    other_api_server.instead = lambda _: None
    own_api_env.await_bound("all", 2)
    assert status_writes(api_server) + status_writes(other_api_server) == writes


def test_deleting_a_namespace(own_api_env: BrokerEnv, other_api_server: ApiServer, sink: Sink) -> None:
    """Everything in it is deleted at once, in any order."""
    own_api_env.addressee("sink", sink.url)
    for name in ("default", "second"):
        own_api_env.broker(name)
        for number in range(5):
            own_api_env.trigger(f"{name}-{number}", broker=name, subscriber=to("sink"))
    own_api_env.start_bridge()
    own_api_env.start_bridge(other_api_server)
    names = [f"{name}-{number}" for name in ("default", "second") for number in range(5)]
    own_api_env.await_ready(*names)
    own_api_env.stage.publish(*(event() for _ in range(20)))
    own_api_env.delete(ADDRESSEE, "sink")
    for name in ("default", "second"):
        own_api_env.delete(BROKER, name)
    for name in names:
        own_api_env.delete(TRIGGER, name)
    eventually(lambda: not any(own_api_env.exists(TRIGGER, name) for name in names))
    eventually(lambda: not any(own_api_env.exists(BROKER, name) for name in ("default", "second")))
    assert own_api_env.streams() == []
