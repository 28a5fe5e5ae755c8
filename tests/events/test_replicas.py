"""Replicas that hear of things at different times, each from an API server of its own."""

from events.control.kinds import BROKER, TRIGGER
from tests.events.api_server import ApiServer, Instead
from tests.events.harness import Sink, event
from tests.events.realm import ADDRESSEE, Realm, to
from tests.eventually import eventually

NOT_FOUND = Instead(404, body=b'{"kind": "Status", "code": 404}')
UNAVAILABLE = Instead(500, body=b'{"kind": "Status", "code": 500}')


def test_a_kind_that_one_replica_knows_before_the_other(
    fragile: Realm, api_server: ApiServer, other_api_server: ApiServer, sink: Sink
) -> None:
    """Each says so once; two that insisted would write a hundred times until they agree."""
    fragile.addressee("sink", sink.url)
    fragile.broker()
    fragile.trigger("all", subscriber=to("sink"))
    fragile.start_bridge()
    fragile.await_ready("all")
    writes = api_server.store.writes
    other_api_server.instead = lambda request: NOT_FOUND if "addressees" in request else None
    fragile.start_bridge(other_api_server)
    fragile.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "NotResolvable")
    eventually(lambda: sum("addressees" in request for request in other_api_server.requests) > 2)
    other_api_server.instead = lambda _: None
    fragile.await_bound("all", 2)
    fragile.await_ready("all")
    assert api_server.store.writes - writes <= 4


def test_who_does_not_know_says_nothing(
    fragile: Realm, api_server: ApiServer, other_api_server: ApiServer, sink: Sink
) -> None:
    fragile.addressee("sink", sink.url)
    fragile.broker()
    fragile.trigger("all", subscriber=to("sink"))
    fragile.trigger("other", subscriber={"uri": sink.url})
    fragile.start_bridge()
    fragile.await_ready("all", "other")
    writes = api_server.store.writes
    other_api_server.instead = lambda request: UNAVAILABLE if "addressees" in request else None
    fragile.start_bridge(other_api_server)
    fragile.await_bound("other", 2)
    assert api_server.store.writes == writes
    other_api_server.instead = lambda _: None
    fragile.await_bound("all", 2)
    assert api_server.store.writes == writes


def test_what_another_replica_contradicts_is_not_said_again_at_once(
    fragile: Realm, api_server: ApiServer, other_api_server: ApiServer, sink: Sink
) -> None:
    """The other one is late to hear that the subscriber has an address."""
    fragile.addressee("sink", None)
    fragile.broker()
    fragile.trigger("all", subscriber=to("sink"))
    fragile.start_bridge()
    fragile.start_bridge(other_api_server)
    fragile.await_condition(TRIGGER, "all", "SubscriberResolved", "False", "NoAddress")
    writes = api_server.store.writes
    other_api_server.silent = ("addressees",)
    fragile.readdress("sink", sink.url)
    fragile.await_ready("all")
    other_api_server.silent = ()
    fragile.await_bound("all", 2)
    fragile.await_ready("all")
    assert api_server.store.writes - writes <= 4


def test_deleting_a_namespace(fragile: Realm, other_api_server: ApiServer, sink: Sink) -> None:
    """Everything in it is deleted at once, in any order."""
    fragile.addressee("sink", sink.url)
    for name in ("default", "second"):
        fragile.broker(name)
        for number in range(5):
            fragile.trigger(f"{name}-{number}", broker=name, subscriber=to("sink"))
    fragile.start_bridge()
    fragile.start_bridge(other_api_server)
    names = [f"{name}-{number}" for name in ("default", "second") for number in range(5)]
    fragile.await_ready(*names)
    fragile.stage.publish(*(event() for _ in range(20)))
    fragile.delete(ADDRESSEE, "sink")
    for name in ("default", "second"):
        fragile.delete(BROKER, name)
    for name in names:
        fragile.delete(TRIGGER, name)
    eventually(lambda: not any(fragile.exists(TRIGGER, name) for name in names))
    eventually(lambda: not any(fragile.exists(BROKER, name) for name in ("default", "second")))
    assert fragile.streams() == []
