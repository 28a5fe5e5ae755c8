"""Brokers and Triggers as people write them, and what is made of mistakes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from events.broker.destinations import UnresolvedError, by_name, destination
from events.broker.manifest import desired_state
from events.broker.model import Broker, Delivery, Destination
from events.broker.retries import RetryPolicy, retry_after, seconds

ROOT = Path(__file__).parents[2]


def broker(annotations: Mapping[str, str] | None = None, **spec: object) -> dict[str, Any]:
    annotations = {"eventing.knative.dev/broker.class": "JetStreamBridge", **(annotations or {})}
    metadata = {"namespace": "shop", "name": "default", "annotations": annotations}
    return {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": metadata, "spec": spec}


def trigger(**spec: object) -> dict[str, Any]:
    given = {"broker": "default", "subscriber": {"uri": "http://example.test/path"}, **spec}
    metadata = {"namespace": "shop", "name": "a-trigger"}
    return {"apiVersion": "eventing.knative.dev/v1", "kind": "Trigger", "metadata": metadata, "spec": given}


def test_reading_a_broker() -> None:
    annotations = {
        "jetstream.ticketing.dev/max-bytes": "1000",
        "jetstream.ticketing.dev/replicas": "3",
        "jetstream.ticketing.dev/reserved-sources": "/ticketing/",
    }
    delivery = {"retry": 5, "backoffPolicy": "linear", "backoffDelay": "PT2S", "timeout": "PT10S"}
    (made,) = desired_state([broker(annotations, delivery=delivery)]).brokers
    policy = RetryPolicy(retry=5, exponential=False, backoff=2)
    assert made == Broker("shop", "default", Delivery(policy, 10), 1000, 3, ("/ticketing/",), max_parked_bytes=4000)


@pytest.mark.parametrize(
    ("subscriber", "expected"),
    [
        ({"uri": "http://example.test/path"}, Destination("http://example.test/path", "http://example.test/path")),
        ({"uri": "other://example.test"}, Destination("other://example.test", "other://example.test")),
        (
            {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "a"}},
            Destination("a", "http://a.shop.svc.cluster.local/"),
        ),
        (
            {"ref": {"apiVersion": "v1", "kind": "Service", "name": "a", "namespace": "b"}, "uri": "/c"},
            Destination("http://a.b.svc.cluster.local/c", "http://a.b.svc.cluster.local/c"),
        ),
        (
            {"ref": {"apiVersion": "v1", "kind": "Service", "name": "a", "namespace": "shop"}, "uri": "c?d=e"},
            Destination("a", "http://a.shop.svc.cluster.local/c?d=e"),
        ),
    ],
)
def test_resolving_subscribers(subscriber: dict[str, Any], expected: Destination) -> None:
    (made,) = desired_state([broker(), trigger(subscriber=subscriber)]).triggers
    assert made.subscriber == expected


@pytest.mark.parametrize(
    "spec",
    [
        {"subscriber": {}},
        {"subscriber": {"uri": "/relative"}},
        {"subscriber": {"uri": "http:///path"}},
        {"subscriber": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "a"}, "uri": "http://evil.test/"}},
        {"subscriber": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "a"}, "uri": "//evil.test/"}},
        {"subscriber": {"ref": {"apiVersion": "evil.test/v1", "kind": "Service", "name": "a"}}},
        {"subscriber": {"ref": {"kind": "Channel", "name": "a"}}},
        {"subscriber": None},
        {"filters": [{"cesql": "TRUE OR"}]},
        {"filters": [{"cesql": "ABS(" * 249 + "1" + ")" * 249 + " = 1"}]},
        {"delivery": {"backoffDelay": "soon"}},
        {"delivery": {"retry": "many"}},
        {"delivery": {"retry": float("inf")}},
        {"delivery": {"backoffPolicy": "random"}},
        {"delivery": {"format": "xml"}},
        {"delivery": {"timeout": "PT0S"}},
        {"filters": [{"exact": {"type": ""}}]},
        {"broker": "another"},
    ],
)
def test_a_trigger_that_cannot_be_used_stops_no_other(spec: dict[str, Any]) -> None:
    made = desired_state([broker(), trigger(**spec), trigger()])
    assert len(made.triggers) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"kind": None},
        {"kind": ["Trigger"]},
        {"metadata": None},
        {"metadata": "a"},
        {"metadata": {}},
        {"metadata": {"name": "a", "annotations": "b"}},
    ],
)
def test_nor_does_what_is_no_object(change: dict[str, Any]) -> None:
    odd = [{name: value for name, value in {**one, **change}.items() if value} for one in (broker(), trigger())]
    made = desired_state([*odd, broker(), trigger(), trigger(broker=["default"])])
    assert (len(made.brokers), len(made.triggers)) == (1, 1)


@pytest.mark.parametrize("setting", ["concurrency", "replicas", "max-bytes"])
@pytest.mark.parametrize("value", ["0", "-1", "many", ""])
def test_settings_that_are_no_number(setting: str, value: str) -> None:
    annotations = {f"jetstream.ticketing.dev/{setting}": value}
    bad = trigger()
    bad["metadata"]["annotations"] = annotations
    made = desired_state([broker() if setting == "concurrency" else broker(annotations), bad])
    assert not made.triggers


def test_more_at_once_than_memory_has_room_for() -> None:
    bad = trigger()
    bad["metadata"]["annotations"] = {"jetstream.ticketing.dev/concurrency": "257"}
    assert not desired_state([broker(), bad]).triggers


@pytest.mark.parametrize(
    "subscriber",
    [
        {"uri": "http://orders-evil.test/"},
        # A Knative Service reports its own URL in its status, which may be another Service's.
        {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "orders-expire"}},
        {"uri": "http://orders-expire.shop.svc.cluster.local.evil.test/"},
        {"uri": "http://orders-expire.shop.svc.cluster.local/"},
        {"ref": {"apiVersion": "v1", "kind": "Service", "name": "orders-expire", "namespace": "evil"}},
        {"ref": {"apiVersion": "evil.test/v1", "kind": "Service", "name": "orders-expire"}},
        {"ref": {"apiVersion": "messaging.knative.dev/v1", "kind": "Channel", "name": "orders-expire"}},
    ],
)
def test_only_a_service_of_the_triggers_own_namespace_has_a_name(subscriber: dict[str, Any]) -> None:
    """A name permits to send events of a service, so no other destination may have it."""
    made = destination(subscriber, "shop", lambda *_: "http://orders-expire.evil.test/")
    assert urlsplit(made.name).scheme == "http"


def test_a_destination_with_certificates_of_its_own_is_refused() -> None:
    """Otherwise every delivery would fail, or reach another receiver."""
    with pytest.raises(UnresolvedError, match="not supported"):
        destination({"uri": "https://example.test/", "CACerts": "-----BEGIN CERTIFICATE-----"}, "shop", by_name)


def test_delivering_in_structured_mode() -> None:
    made = desired_state([broker(), trigger(delivery={"format": "json"})]).triggers[0].delivery
    assert made is not None
    assert made.structured


def test_brokers_of_other_classes_are_not_ours() -> None:
    other = broker({"eventing.knative.dev/broker.class": "MTChannelBasedBroker"})
    assert desired_state([other, trigger(), {"apiVersion": "v1", "kind": "Service"}, {}]) == desired_state([])


def test_the_projects_own_manifests_can_all_be_used() -> None:
    files = (ROOT / "knative" / "base" / "eventing").glob("*.yaml")
    objects = [document for file in files for document in yaml.safe_load_all(file.read_text())]
    declared = [item for item in objects if item["kind"] == "Trigger"]
    assert len(desired_state(objects).triggers) == len(declared) > 0


@pytest.mark.parametrize(
    ("duration", "expected"),
    [("PT0.2S", 0.2), ("PT1M30S", 90), ("P1D", 86_400), ("P1W", 604_800), ("P1DT2H", 93_600), ("PT0,5S", 0.5)],
)
def test_reading_durations(duration: str, expected: float) -> None:
    assert seconds(duration) == expected


@pytest.mark.parametrize(
    "duration", ["", "P", "PT", "1S", "PT1", "P1Y", "PT-1S", "PT1S ", "P1DT", "P53W", "PT" + "9" * 400 + "S"]
)
def test_refusing_what_is_no_duration(duration: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(duration)


def test_backing_off() -> None:
    exponential, linear = RetryPolicy(backoff=0.2), RetryPolicy(exponential=False, backoff=0.5)
    assert [exponential.delay(attempt) for attempt in (1, 2, 3)] == [0.2, 0.4, 0.8]
    assert [linear.delay(attempt) for attempt in (1, 2, 3)] == [0.5, 1.0, 1.5]
    assert exponential.delay(1450) == linear.delay(1450) == 60
    assert [RetryPolicy(backoff=seconds("PT10M")).delay(attempt) for attempt in (1, 2, 1450)] == [600] * 3
    assert exponential.delay(1, min_delay=90) == 90
    assert exponential.delay(1, min_delay=1e9) == 3600
    assert RetryPolicy(retry_after_max=0).delay(1, min_delay=90) == 0.2


def test_reading_retry_after() -> None:
    assert retry_after(503, "7") == retry_after(429, "7") == 7
    assert retry_after(500, "7") == retry_after(503, None) == retry_after(503, "soon") == retry_after(503, "-1") == 0
    assert 50 < retry_after(503, format_datetime(datetime.now(UTC) + timedelta(seconds=60))) <= 60
    assert retry_after(503, format_datetime(datetime(2020, 1, 1, tzinfo=UTC))) == 0
    assert retry_after(503, "Mon, 01 Jan 2035 00:00:00") == 0
    assert retry_after(503, "Mon, 01 Jan 99999999999999999999 00:00:00 GMT") == 0
    assert retry_after(503, "Mon, 01 Jan 2035 00:00:00 +999999999999") == 0
    assert RetryPolicy().delay(1, min_delay=retry_after(503, "9" * 400)) == 3600
