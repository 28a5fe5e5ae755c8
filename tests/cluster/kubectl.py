"""The cluster as its operator sees it, through kubectl."""

import json
import subprocess
from typing import Any

from tests.eventually import eventually

NAMESPACE = "ticketing"
STEADY = {"gateway"}  # of the Knative Services: it never scales to zero
SERVICE = "serving.knative.dev/service"  # the label of a Knative Service's pods
PATIENCE_SECONDS = 600

Object = dict[str, Any]


def kubectl(*words: str) -> str:
    """What kubectl answers, for the namespace of the system."""
    return subprocess.run(["kubectl", "-n", NAMESPACE, *words], check=True, capture_output=True, text=True).stdout


def objects(kind: str) -> list[Object]:
    """All objects of a kind."""
    found: list[Object] = json.loads(kubectl("get", kind, "-o", "json"))["items"]
    return found


def names(kind: str) -> list[str]:
    """Their names."""
    return [item["metadata"]["name"] for item in objects(kind)]


def is_ready(item: Object) -> bool:
    """Whether an object says that it is, of what was asked of it last."""
    status = item.get("status", {})
    current = status.get("observedGeneration", item["metadata"].get("generation")) == item["metadata"].get("generation")
    conditions = {entry["type"]: entry["status"] for entry in status.get("conditions", [])}
    return current and conditions.get("Ready") == "True"


def await_ready(*kinds: str) -> None:
    """Wait until every object of these kinds is."""
    for kind in kinds:
        eventually(lambda kind=kind: all(map(is_ready, objects(kind))), PATIENCE_SECONDS)  # type: ignore[misc]


def await_end_of(pod: Object) -> None:
    """Wait until a pod is gone, by its uid, for a StatefulSet's comes back under its name; and all others are ready."""
    uid = pod["metadata"]["uid"]
    eventually(lambda: uid not in {item["metadata"]["uid"] for item in objects("pods")}, PATIENCE_SECONDS)
    await_ready("pods")


def functions_running() -> list[str]:
    """Pods of functions, which are none when nothing is asked of the system for some minutes."""
    services = {item["metadata"]["name"] for item in objects("services.serving.knative.dev")} - STEADY
    pods = objects("pods")
    return [pod["metadata"]["name"] for pod in pods if pod["metadata"]["labels"].get(SERVICE) in services]


def set_variable(service: str, name: str, value: str) -> None:
    """Give a function's container another value of a variable that it declares, which makes a new revision."""
    [item] = [one for one in objects("services.serving.knative.dev") if one["metadata"]["name"] == service]
    variables = item["spec"]["template"]["spec"]["containers"][0]["env"]
    [number] = [number for number, variable in enumerate(variables) if variable["name"] == name]
    path = f"/spec/template/spec/containers/0/env/{number}/value"
    _patch(service, [{"op": "replace", "path": path, "value": value}])


def renew(service: str, stamp: str) -> None:
    """Make a new revision of a Knative Service that differs in nothing but a stamp."""
    path = "/spec/template/metadata/annotations/ticketing.dev~1renewed"
    _patch(service, [{"op": "add", "path": path, "value": stamp}])


def _patch(service: str, patch: list[Object]) -> None:
    kubectl("patch", "services.serving.knative.dev", service, "--type=json", "-p", json.dumps(patch))
