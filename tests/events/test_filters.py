"""Which events a Trigger gets."""

from typing import Any

import pytest

from events.broker.filters import subscriptions
from events.cloudevents.messages import read_row
from tests.events.harness import Sink, Stage, event

HAPPENED = read_row(event("dev.test.happened", source="/test/ü", subject="7", extension="x"))

FILTERS: list[tuple[dict[str, Any], bool, set[str] | None]] = [
    ({}, True, None),
    ({"filter": {}}, True, None),
    ({"filter": {"attributes": {"type": "dev.test.happened"}}}, True, {"dev.test.happened"}),
    ({"filter": {"attributes": {"type": "dev.test.happened", "source": "/other"}}}, False, {"dev.test.happened"}),
    ({"filter": {"attributes": {"type": "", "extension": ""}}}, True, None),
    ({"filter": {"attributes": {"absent": ""}}}, False, None),
    ({"filters": []}, True, None),
    ({"filters": [{"exact": {"source": "/test/ü"}}]}, True, None),
    ({"filters": [{"exact": {"type": "other"}}]}, False, {"other"}),
    ({"filters": [{"exact": {"datacontenttype": "application/json"}}]}, True, None),
    ({"filters": [{"prefix": {"type": "dev.", "subject": "7"}}]}, True, None),
    ({"filters": [{"prefix": {"absent": "x"}}]}, False, None),
    ({"filters": [{"suffix": {"type": ".happened"}}]}, True, None),
    ({"filters": [{"suffix": {"type": ".happens"}}]}, False, None),
    ({"filters": [{"not": {"exact": {"type": "other"}}}]}, True, None),
    ({"filters": [{"not": {"prefix": {"type": "dev"}}}]}, False, None),
    ({"filters": [{"any": [{"exact": {"type": "a"}}, {"exact": {"type": "b"}}]}]}, False, {"a", "b"}),
    ({"filters": [{"any": [{"exact": {"type": "a"}}, {"prefix": {"type": "dev"}}]}]}, True, None),
    ({"filters": [{"all": [{"exact": {"type": "a"}}, {"exact": {"subject": "7"}}]}]}, False, {"a"}),
    ({"filters": [{"exact": {"type": "a"}}, {"exact": {"type": "b"}}]}, False, set()),
    ({"filters": [{"cesql": "type = 'dev.test.happened' AND source LIKE '/test/%'"}]}, True, None),
    ({"filters": [{"not": {"cesql": "subject < 8"}}]}, False, None),
    ({"filters": [{"not": {"not": {"any": [{"all": [{"prefix": {"type": "dev"}}]}]}}}]}, True, None),
    ({"filter": {"attributes": {"type": "a"}}, "filters": [{"prefix": {"type": "dev"}}]}, True, None),
]


def _within_each_other(depth: int) -> dict[str, Any]:
    spec: dict[str, Any] = {"prefix": {"type": "dev"}}
    for _ in range(depth):
        spec = {"all": [spec]}
    return spec


@pytest.mark.parametrize(("spec", "matches", "types"), FILTERS)
def test_filtering(spec: dict[str, Any], matches: bool, types: set[str] | None) -> None:  # noqa: FBT001 a column of the table
    made = subscriptions.of_trigger(spec)
    assert made.matches(HAPPENED) is matches
    assert made.types == types


@pytest.mark.parametrize(
    "dialect",
    [
        {"xpath": "type"},
        {"cesql": "type ="},
        {},
        {"exact": {}},
        {"all": []},
        {"exact": {"a": "b"}, "not": {}},
        {"not": {}},
        {"exact": {"type": ""}},
        {"exact": {"type": "a", "subject": ""}},
        {"prefix": {"absent": ""}},
        {"not": {"suffix": {"absent": ""}}},
        {"any": [{"exact": {"type": 5}}]},
        {"exact": {"type": ["a"]}},
        {"prefix": {"flag": True}},
        {"suffix": {5: "a"}},
        _within_each_other(33),
        _within_each_other(400),
        {"any": [{"exact": {"type": "x" * 100}}] * 200},
        {"cesql": f"type LIKE '{'_' * 5_000}'"},
    ],
    ids=lambda dialect: repr(dialect)[:40] if len(dialect) else "{}",
)
def test_refusing_filters_that_cannot_be_applied(dialect: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="filter"):
        subscriptions.of_trigger({"filters": [dialect]})


@pytest.mark.parametrize("attributes", [{"type": 5}, {"type": None}, {"absent": False}, {5: "a"}], ids=repr)
def test_refusing_attributes_that_are_no_texts(attributes: dict[Any, Any]) -> None:
    with pytest.raises(ValueError, match="filter"):
        subscriptions.of_trigger({"filter": {"attributes": attributes}})


def test_events_that_a_trigger_does_not_want_cost_no_request(stage: Stage, sink: Sink) -> None:
    stage.trigger("some", sink, filters=[{"prefix": {"source": "/wanted"}}])
    stage.start_bridge()
    stage.publish(event(), event(id="wanted", source="/wanted/here"), event())
    sink.await_requests(1)
    stage.await_settled("some")
    assert sink.ids == ["wanted"]


def test_exact_types_are_filtered_by_jetstream(stage: Stage, sink: Sink) -> None:
    stage.trigger("exact", sink, filters=[{"any": [{"exact": {"type": "a"}}, {"exact": {"type": "b"}}]}])
    stage.start_bridge()
    info = stage.loop.run(stage.jetstream.consumer_info(stage.stream_names.log, "exact"))
    stream_names = stage.stream_names
    assert info.config.filter_subjects == [
        stream_names.event("a"),
        stream_names.event("b"),
        stream_names.replay("exact"),
    ]
