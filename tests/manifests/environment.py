"""Whether each process has the variables that it reads, and no other secret."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from tests.manifests import reads
from tests.manifests.rendering import Manifest, containers, label, of_kind, pod_spec, workloads

_GIVEN = {"K_SERVICE", "PORT"}  # by Knative
_OPTIONAL = {"MONGO_USER", "MONGO_PASSWORD"}  # where the database has users
_REFERENCE = re.compile(r"\$\((\w+)\)")


def violations(manifests: list[Manifest]) -> Iterator[str]:
    """Every variable that is missing or comes too late, and every secret of a process of ours that it does not read."""
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
    """The name and key of each Secret that a container names and does not start without, and where."""
    for workload in workloads(manifests):
        for entry in (entry for container in containers(workload) for entry in container.get("env", [])):
            reference = entry.get("valueFrom", {}).get("secretKeyRef")
            if reference and not reference.get("optional"):
                yield reference["name"], reference["key"], label(workload)
        for secret in (volume["secret"] for volume in pod_spec(workload).get("volumes", []) if "secret" in volume):
            yield from ((secret["secretName"], item["key"], label(workload)) for item in secret["items"])


def _of_container(container: Manifest) -> Iterator[str]:
    entries = container.get("env", [])
    names = [entry["name"] for entry in entries]
    secret = {entry["name"] for entry in entries if "secretKeyRef" in entry.get("valueFrom", {})}
    referred_to: set[str] = set()
    for index, entry in enumerate(entries):
        for reference in _REFERENCE.findall(entry.get("value", "")):
            referred_to.add(reference)
            if reference not in names[:index]:
                yield f"{entry['name']} refers to {reference}, which does not stand before it"
    needed, known = _wants(container, secret)
    yield from (f"{name} is not set" for name in sorted(needed - set(names)))
    yield from (f"has the secret {name} and does not read it" for name in sorted(secret - known - referred_to))


def _wants(container: Manifest, secret: AbstractSet[str]) -> tuple[AbstractSet[str], AbstractSet[str]]:
    """What a process needs to be set, and what else it may use; of one that is not ours, that is all that it has."""
    match container.get("command"):
        case ["functions-framework", *_]:
            read = _read_by_function(container)
            return read - _GIVEN - _OPTIONAL, read
        case ["python", "-m", str(module)]:
            return reads.needed_by_process(module), reads.words_of_process(module)
        case _:
            return set(), secret


def _read_by_function(container: Manifest) -> frozenset[str]:
    values = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    module = values["FUNCTION_SOURCE"].removesuffix(".py").replace("/", ".")
    return reads.variables(module, values["FUNCTION_TARGET"])
