"""A cluster as its operator sees it, through kubectl."""

import json
import subprocess
from typing import Any

from tests.eventually import eventually

NAMESPACE = "ticketing"
STEADY = {"gateway"}  # of the Knative Services: it never scales to zero
SERVICES = "services.serving.knative.dev"
SERVICE = "serving.knative.dev/service"  # the label of a Knative Service's pods
PATIENCE_SECONDS = 600

Object = dict[str, Any]


class Cluster:
    """That of a context, whichever is current."""

    def __init__(self, context: str) -> None:
        self._context = context

    def kubectl(self, *words: str) -> str:
        """What kubectl answers, for the namespace of the system."""
        command = ["kubectl", "--context", self._context, "--namespace", NAMESPACE, *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def objects(self, kind: str) -> list[Object]:
        """All objects of a kind."""
        found: list[Object] = json.loads(self.kubectl("get", kind, "-o", "json"))["items"]
        return found

    def names(self, kind: str) -> list[str]:
        """Their names."""
        return [item["metadata"]["name"] for item in self.objects(kind)]

    def are_ready(self, kind: str) -> bool:
        """Whether there are objects of a kind, and every one is."""
        found = self.objects(kind)
        return bool(found) and all(map(is_ready, found))

    def await_ready(self, *kinds: str) -> None:
        """Wait until every object of these kinds is."""
        for kind in kinds:
            eventually(lambda kind=kind: self.are_ready(kind), PATIENCE_SECONDS)  # type: ignore[misc]

    def await_end_of(self, pod: Object) -> None:
        """Wait until a pod is gone, by its uid, for a StatefulSet's comes back under its name; and all are ready."""
        uid = pod["metadata"]["uid"]
        eventually(lambda: uid not in {item["metadata"]["uid"] for item in self.objects("pods")}, PATIENCE_SECONDS)
        self.await_ready("pods")

    def functions_running(self) -> list[str]:
        """Pods of functions, which are none when nothing is asked of the system for some minutes."""
        functions = {*self.names(SERVICES)} - STEADY
        assert functions, "nothing is installed"
        pods = self.objects("pods")
        return [pod["metadata"]["name"] for pod in pods if pod["metadata"]["labels"].get(SERVICE) in functions]

    def set_variable(self, service: str, name: str, value: str) -> None:
        """Give a function's container another value of a variable that it declares, which makes a new revision."""
        [item] = [one for one in self.objects(SERVICES) if one["metadata"]["name"] == service]
        variables = item["spec"]["template"]["spec"]["containers"][0]["env"]
        [number] = [number for number, variable in enumerate(variables) if variable["name"] == name]
        path = f"/spec/template/spec/containers/0/env/{number}/value"
        self._patch(service, [{"op": "replace", "path": path, "value": value}])

    def renew(self, service: str, stamp: str) -> None:
        """Make a new revision of a Knative Service that differs in nothing but a stamp."""
        path = "/spec/template/metadata/annotations/ticketing.dev~1renewed"
        self._patch(service, [{"op": "add", "path": path, "value": stamp}])

    def _patch(self, service: str, patch: list[Object]) -> None:
        self.kubectl("patch", SERVICES, service, "--type=json", "-p", json.dumps(patch))


def current_context() -> str:
    """The context that kubectl would take, or `none`."""
    command = ["kubectl", "config", "current-context"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip() or "none"


def is_ready(item: Object) -> bool:
    """Whether an object says that it is, of what was asked of it last."""
    status = item.get("status", {})
    current = status.get("observedGeneration", item["metadata"].get("generation")) == item["metadata"].get("generation")
    conditions = {entry["type"]: entry["status"] for entry in status.get("conditions", [])}
    return current and conditions.get("Ready") == "True"
