"""Event types as NATS subjects."""

import re

import pytest

from events.broker.subjects import StreamNames, decode, encode
from tests.events.harness import Sink, Stage, event

ODD_TYPES = [
    "a b", "a..b", "a.%2Eb", "a%2E.b", ".a", "a.", ".", "..", "...", "*", ">", "a.*", "a.>", "a*b", "a>b", "%", "%20",
    " ", "a\tb", "a\r\nb", "ünï.cødé", "日本", "%sha256.x", "x" * 1020 + "%%%%", "x" * 2000, "x" * 2001, "a\x00b", "A",
    "a",
]  # fmt: skip

LEGAL = re.compile(r"[!-~]+")


def test_ordinary_types_are_their_own_subjects() -> None:
    for event_type in ("dev.ticketing.order.created", "dev.ticketing.ticket.reservation-rejected", "io.k8s/x_y:z+1"):
        assert encode(event_type) == event_type


def test_every_type_has_a_legal_subject_of_its_own() -> None:
    subjects = [encode(event_type) for event_type in ODD_TYPES]
    assert len(set(subjects)) == len(ODD_TYPES)
    for subject in subjects:
        assert LEGAL.fullmatch(subject)
        assert len(subject) <= 1024
        assert all(token and token not in {"*", ">"} for token in subject.split("."))


@pytest.mark.parametrize("event_type", [one for one in ODD_TYPES if len(one) <= 1000])
def test_a_subject_tells_its_type(event_type: str) -> None:
    assert decode(encode(event_type)) == event_type


def test_brokers_never_share_a_stream() -> None:
    layouts = [StreamNames("a", "b-c"), StreamNames("a-b", "c"), StreamNames("a", "b.c"), StreamNames("a", "b")]
    assert len({one.log for one in layouts}) == len(layouts)
    assert StreamNames.parse("ticketing/default") == StreamNames("ticketing", "default")


@pytest.mark.parametrize("event_type", ["a b", "a..b", "*", ">", "ünï.cødé", "x" * 2000])
def test_events_of_odd_types_reach_those_who_ask_for_exactly_them(stage: Stage, sink: Sink, event_type: str) -> None:
    stage.trigger("exact", sink, filters=[{"exact": {"type": event_type}}])
    stage.start_bridge()
    stage.publish(event("other"), event(event_type, id="wanted"))
    sink.await_requests(1)
    stage.await_settled("exact")
    assert sink.ids == ["wanted"]
