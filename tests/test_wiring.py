"""knative/ and the tree agree: every function is wired, and what is wired exists.

A failure is a list of complaints, each of which names the file to edit.
"""

import ast
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from events import catalogue
from events.broker import manifest
from events.catalogue import EVENTS, RESERVATION, TicketUpdated
from events.cloudevents.messages import from_attributes
from local import gateway, manifests, servers

FUNCTIONS = manifests.ROOT / "functions"
MANIFESTS = manifests.read()
EVENT_CLASSES = {name: kind for name, kind in vars(catalogue).items() if getattr(kind, "NAME", None)}

CATALOGUE = "events/catalogue.py"
TRIGGERS_FILE = "knative/base/eventing/triggers.yaml"
ENVOY, OPENAPI, ASYNCAPI = (
    "knative/base/gateway/envoy.yaml",
    "knative/base/gateway/openapi.json",
    "events/asyncapi.yaml",
)


def of_kind(kind: str, component: str = "") -> list[dict[str, Any]]:
    return [
        found
        for found in MANIFESTS
        if found["kind"] == kind
        and component in found["metadata"].get("labels", {}).get("app.kubernetes.io/component", "")
    ]


SERVICES = {found["metadata"]["name"]: found for found in of_kind("Service", "function")}
TRIGGERS = {found["metadata"]["name"]: found["spec"] for found in of_kind("Trigger")}


def complaints(names: Iterable[str], advice: str) -> list[str]:
    """Return one line for each name, with what to do about it and where."""
    return [advice.format(name=name, service=name.partition("-")[0]) for name in sorted(names)]


def decorated() -> dict[str, ast.FunctionDef]:
    """Return the functions in the tree, by the name that their Service should have."""
    found = {}
    for path in FUNCTIONS.glob("*/*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and "functions_framework.http" in map(
                ast.unparse, node.decorator_list
            ):
                found[f"{path.parent.name}-{path.stem.replace('_', '-')}"] = node
    return found


def reaction_names() -> dict[str, list[str]]:
    """Return the names of the classes of events that each event function in the tree says to react to."""
    return {
        name: [ast.unparse(kind) for kind in decorator.args]
        for name, node in decorated().items()
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "reacts_to"
    }


def reactions() -> dict[str, set[tuple[str, str]]]:
    """Return the type and source of the events that each event function reacts to; unknown ones are left out."""
    return {
        function: {(kind.type(), kind.source()) for name in names if (kind := EVENT_CLASSES.get(name))}
        for function, names in reaction_names().items()
    }


def wanted(trigger: dict[str, Any]) -> set[tuple[str, str]]:
    """The type and source of the events that a Trigger's filters let through."""
    sources, types = set(), set()
    for condition in [one for one in trigger["filters"] if "not" not in one]:
        for exact in [condition] if "exact" in condition else condition["any"]:
            sources |= {exact["exact"]["source"]} if "source" in exact["exact"] else set()
            types |= {exact["exact"]["type"]} if "type" in exact["exact"] else set()
    return {(kind, source) for kind in types for source in sources}


def test_every_function_has_its_service_and_every_service_its_function() -> None:
    unwired = set(decorated()) - set(SERVICES)
    without_function = set(SERVICES) - set(decorated())

    assert (
        complaints(unwired, "{name} has no Knative Service: add it to knative/base/functions/{service}/functions.yaml")
        + complaints(
            without_function,
            "Knative Service {name} has no function: write one in functions/{service}/ (@functions_framework.http), or "
            "remove the Service from knative/base/functions/{service}/functions.yaml",
        )
        == []
    )


@pytest.mark.parametrize("name", sorted(SERVICES.keys() & decorated().keys()))
def test_a_service_names_its_functions_file_and_target(name: str) -> None:
    environment = manifests.environment(SERVICES[name])
    service, _, verb = name.partition("-")
    named = (environment.get("FUNCTION_SOURCE"), environment.get("FUNCTION_TARGET"))

    assert named == (f"functions/{service}/{verb.replace('-', '_')}.py", decorated()[name].name), (
        f"edit {name} in knative/base/functions/{service}/functions.yaml"
    )


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_as_many_threads_as_requests(name: str) -> None:
    concurrency = SERVICES[name]["spec"]["template"]["spec"]["containerConcurrency"]

    assert manifests.environment(SERVICES[name])["THREADS"] == str(concurrency)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_private_to_the_cluster(name: str) -> None:
    assert SERVICES[name]["metadata"]["labels"]["networking.knative.dev/visibility"] == "cluster-local"


def test_every_function_for_requests_has_a_route_and_no_other_has() -> None:
    routed, for_requests = {route.function for route in gateway.routes()}, set(decorated()) - set(reaction_names())

    assert (
        complaints(
            for_requests - routed, f"{{name}} answers requests and has no route: add one to {ENVOY} and to {OPENAPI}"
        )
        + complaints(routed - for_requests, f"a route in {ENVOY} leads to {{name}}, which answers no requests")
        == []
    )


def test_every_function_for_events_has_a_trigger_and_no_other_has() -> None:
    subscribers = {trigger["subscriber"]["ref"]["name"] for trigger in TRIGGERS.values()}
    for_events = set(reaction_names())

    assert (
        complaints(
            for_events - subscribers, f"{{name}} reacts to events and has no Trigger: add one to {TRIGGERS_FILE}"
        )
        + complaints(
            subscribers - for_events, f"a Trigger in {TRIGGERS_FILE} leads to {{name}}, which has no @reacts_to"
        )
        == []
    )


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_trigger_brings_just_the_events_that_its_function_reacts_to(name: str) -> None:
    expected = reactions().get(TRIGGERS[name]["subscriber"]["ref"]["name"], set())

    assert wanted(TRIGGERS[name]) == expected, f"edit the filters of Trigger {name} in {TRIGGERS_FILE}"


def test_every_class_of_events_is_in_the_catalogue() -> None:
    reacted_to = {name for names in reaction_names().values() for name in names}

    assert (
        complaints(
            {name for name, kind in EVENT_CLASSES.items() if kind not in EVENTS},
            f"{{name}} is not published: add it to the tuple EVENTS in {CATALOGUE}, then run `make schemas`",
        )
        + complaints(reacted_to - EVENT_CLASSES.keys(), f"{{name}} is reacted to: define it in {CATALOGUE}")
        == []
    )


def test_every_event_and_every_trigger_is_in_asyncapi() -> None:
    document = yaml.safe_load((manifests.ROOT / ASYNCAPI).read_text())
    described, operations = document["components"]["messages"].keys(), document["operations"].keys()

    assert (
        complaints(
            {kind.__name__ for kind in EVENTS} - described,
            f"{{name}} is not described: add it to components.messages, a channel and operations in {ASYNCAPI}",
        )
        + complaints(reaction_names().keys() - operations, f"{{name}} receives events: add its operation to {ASYNCAPI}")
        == []
    )


def test_every_route_is_in_openapi() -> None:
    document = json.loads((manifests.ROOT / OPENAPI).read_text())
    operations = {
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
    }
    api = {route.function for route in gateway.routes() if route.path.startswith("/api/")}

    assert complaints(api - operations, f"{{name}} has a route: describe it in {OPENAPI}") == []


def test_every_database_has_its_migration() -> None:
    jobs = {manifests.container(found)["command"][-1]: manifests.environment(found) for found in of_kind("Job")}
    uris = {manifests.environment(found)["MONGO_URI"] for found in SERVICES.values() if "MONGO_URI" in str(found)}
    modules = {f"functions.{path.parent.name}.migrate" for path in FUNCTIONS.glob("*/migrate.py")}
    edit = "knative/base/migrations/jobs.yaml"

    assert complaints(modules - jobs.keys(), f"{{name}} has no Job: add it to {edit}") == []
    assert complaints(jobs.keys() - modules, f"a Job in {edit} runs {{name}}, which is missing") == []
    assert {environment["MONGO_URI"] for environment in jobs.values()} == uris


def test_triggers_relays_and_bridge_are_of_the_one_broker() -> None:
    [broker] = [found["metadata"] for found in of_kind("Broker")]
    relays = [manifests.environment(found)["BROKER"] for found in of_kind("Deployment", "relay")]

    assert {trigger["broker"] for trigger in TRIGGERS.values()} == {broker["name"]}
    assert set(relays) == {f"{broker['namespace']}/{broker['name']}"}
    assert broker["namespace"] == manifests.namespace()


def test_every_service_that_sends_events_from_a_database_has_its_relay() -> None:
    senders = {path.parent.name for path in FUNCTIONS.glob("*/repository.py") if "outbox" in path.read_text()}
    uris = [manifests.environment(found)["MONGO_URI"] for found in of_kind("Deployment", "relay")]

    assert {uri.rpartition("/")[2].partition("?")[0] for uri in uris} == senders


@pytest.mark.parametrize("name", SERVICES)
def test_a_function_sees_its_own_services_database_only(name: str) -> None:
    service = name.partition("-")[0]
    uri = manifests.environment(SERVICES[name]).get("MONGO_URI", f"mongodb://{service}-mongo:27017/{service}")

    assert uri.partition("?")[0] == f"mongodb://{service}-mongo:27017/{service}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("mongodb://h:1/?retryWrites=false", "mongodb://h:1/orders?retryWrites=false"),
        ("mongodb://a:1,b:2", "mongodb://a:1,b:2/orders"),
        ("mongodb://u:p%40@h/?tls=true", "mongodb://u:p%40@h/orders?tls=true&authSource=admin"),
        ("mongodb+srv://u:p@h/people", "mongodb+srv://u:p@h/orders?authSource=people"),
        ("mongodb://u:p@h/x?authSource=y", "mongodb://u:p@h/orders?authSource=y"),
        ("mongodb://u@h/?authMechanism=MONGODB-X509", "mongodb://u@h/orders?authMechanism=MONGODB-X509"),
    ],
)
def test_a_given_mongo_uri_keeps_all_but_its_database(given: str, expected: str) -> None:
    assert servers.with_database(given, "orders") == expected


def test_the_gateway_has_every_variable_that_its_configuration_names() -> None:
    [service] = of_kind("Service", "gateway")
    named = set(re.findall(r"%ENVIRONMENT\((\w+)\)%|os\.getenv\(\"(\w+)\"\)", manifests.ENVOY.read_text()))

    assert {"".join(name) for name in named} == set(manifests.environment(service))


def test_every_file_of_knative_is_part_of_its_kustomization() -> None:
    listed = {
        folder / name
        for folder in (path.parent for path in manifests.BASE.rglob("kustomization.yaml"))
        for name in mentioned(folder)
    }

    assert {path for path in manifests.BASE.rglob("*.*") if path.name != "kustomization.yaml"} <= listed


def mentioned(folder: Path) -> set[str]:
    """Every word of a kustomization, file names among them."""
    return set(
        (folder / "kustomization.yaml").read_text().replace("[", " ").replace("]", " ").replace(",", " ").split()
    )


@pytest.mark.parametrize(("change", "is_delivered"), [({}, True), ({"change": RESERVATION}, False)])
def test_orders_receive_what_changes_a_tickets_title_or_price_only(
    change: dict[str, str], *, is_delivered: bool
) -> None:
    """What an older version stored has no attribute, and is delivered."""
    triggers = manifest.desired_state(manifests.read(manifests.EVENTING)).triggers
    [trigger] = [one for one in triggers if one.subscriber.name == "orders-replicate-ticket"]
    kind = {"specversion": "1.0", "id": "1", "type": TicketUpdated.type(), "source": TicketUpdated.source()}
    assert trigger.filter.matches(from_attributes(kind | change, None, b"")) == is_delivered
