"""Alerts and dashboards: Prometheus can parse them, what they ask for exists, and each alert leads to a page."""

import json
import re
from collections.abc import Iterator
from typing import Any

import prometheus_client
import promql_parser
import pytest
import yaml

from events.runtime import metrics, relay_metrics
from tests.manifests.rendering import KNATIVE

ROOT = KNATIVE.parent
COMPONENT = KNATIVE / "components" / "observability"
RULES: list[dict[str, Any]] = yaml.safe_load((COMPONENT / "rules.yaml").read_text())["groups"][0]["rules"]
DASHBOARDS = {file.name: json.loads(file.read_text()) for file in sorted((COMPONENT / "dashboards").glob("*.json"))}
QUERIES = {
    f"{name}: {panel['title']}, {target['refId']}": str(target["expr"])
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    for target in panel["targets"]
}
EXPRESSIONS = {str(rule["alert"]): str(rule["expr"]) for rule in RULES} | QUERIES
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


# Of the connector `spanmetrics`, whose counter and histogram of spans have these names at the exporter `prometheus`.
OF_THE_COLLECTOR = {"traces_span_metrics_calls_total", "traces_span_metrics_duration_milliseconds_bucket"}


def exposed() -> set[str]:
    """Return the names of all series that bridge, relays and collector show, and of the one that Prometheus adds."""
    assert metrics.REQUESTS is not None
    assert relay_metrics.OLDEST is not None
    types = re.findall(r"^# TYPE (\w+) (\w+)$", prometheus_client.generate_latest().decode(), re.MULTILINE)
    names = {name.removesuffix("_total") + suffix for name, kind in types for suffix in SUFFIXES.get(kind, ())}
    return names | {"up"} | OF_THE_COLLECTOR


def selected(expression: Any) -> Iterator[str]:  # noqa: ANN401 any node of the parser's
    """Yield the names of the series that an expression asks for."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield str(expression.name)
    for name in ("lhs", "rhs", "expr", "vector_selector"):
        if (part := getattr(expression, name, None)) is not None:
            yield from selected(part)
    for argument in getattr(expression, "args", None) or []:
        yield from selected(argument)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_asks_for_series_that_exist(name: str) -> None:
    asked = set(selected(promql_parser.parse(EXPRESSIONS[name])))
    assert asked
    assert asked <= exposed()


@pytest.mark.parametrize("rule", RULES, ids=[str(rule["alert"]) for rule in RULES])
def test_an_alert_says_what_is_wrong_and_names_the_page_that_has_its_expression(rule: dict[str, Any]) -> None:
    assert set(rule) >= {"alert", "expr", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"]
    assert (ROOT / rule["annotations"]["runbook"]).is_file()
    assert f"`{rule['alert']}`" in (ROOT / "docs/operations/monitor.md").read_text()
