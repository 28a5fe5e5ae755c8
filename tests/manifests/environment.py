"""Whether each process has the variables that it reads, and each function no secret besides."""

import re
from collections.abc import Iterator

from tests.manifests import reads
from tests.manifests.rendering import Manifest, containers, label, of_kind, workloads

_GIVEN = {"K_SERVICE", "PORT"}  # by Knative
_REFERENCE = re.compile(r"\$\((\w+)\)")


def violations(manifests: list[Manifest]) -> Iterator[str]:
    """Every variable that is missing or comes too late, and every secret of a function that it does not read."""
    for workload in workloads(manifests):
        for container in containers(workload):
            yield from (f"{label(workload)}: {mistake}" for mistake in _of_container(container))


def dangling(manifests: list[Manifest]) -> Iterator[str]:
    """Every key of a Secret that a container names and the manifests do not have."""
    keys = {found["metadata"]["name"]: found.get("data", {}) for found in of_kind(manifests, "Secret")}
    for name, key, user in secrets(manifests):
        if key not in keys.get(name, {}):
            yield f"{user}: no secret {name} with {key}"


def secrets(manifests: list[Manifest]) -> Iterator[tuple[str, str, str]]:
    """The name and key of each Secret that a container names, and where."""
    for workload in workloads(manifests):
        for entry in (entry for container in containers(workload) for entry in container.get("env", [])):
            if reference := entry.get("valueFrom", {}).get("secretKeyRef"):
                yield reference["name"], reference["key"], label(workload)


def _of_container(container: Manifest) -> Iterator[str]:
    entries = container.get("env", [])
    names = [entry["name"] for entry in entries]
    for index, entry in enumerate(entries):
        for reference in _REFERENCE.findall(entry.get("value", "")):
            if reference not in names[:index]:
                yield f"{entry['name']} refers to {reference}, which does not stand before it"
    match container.get("command"):
        case ["functions-framework", *_]:
            read = _read_by_function(container)
            secret = {entry["name"] for entry in entries if "secretKeyRef" in entry.get("valueFrom", {})}
            yield from (f"{name} is not set" for name in sorted(read - set(names) - _GIVEN))
            yield from (f"has the secret {name} and does not read it" for name in sorted(secret - read))
        case ["python", "-m", str(module)]:
            read = reads.read_by_process(module)
            yield from (f"{name} is not set" for name in sorted(read - set(names)))


def _read_by_function(container: Manifest) -> set[str]:
    values = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    module = values["FUNCTION_SOURCE"].removesuffix(".py").replace("/", ".")
    return reads.variables(module, values["FUNCTION_TARGET"])
