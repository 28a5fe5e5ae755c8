"""Objects as a Kubernetes API server keeps them: versions and conflicts, generations, finalizers, subresources."""

import copy
import secrets
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

Object = dict[str, Any]


class Refusal(Exception):  # noqa: N818 it is an answer
    """An HTTP status other than 2xx, its argument."""


class Address(NamedTuple):
    """What a path means: /apis/<group>/<version>[/namespaces/<namespace>]/<resource>[/<name>[/<subresource>]]."""

    resource: str
    namespace: str | None
    name: str | None
    subresource: str | None

    @classmethod
    def of(cls, path: str) -> "Address":
        """The meaning of a path."""
        parts = path.strip("/").split("/")
        start = 2 if parts[0] == "api" else 3
        group, rest = "/".join(parts[:start]), parts[start:]
        namespace = rest[1] if rest[0] == "namespaces" and len(rest) > 2 else None
        resource, *others = rest if namespace is None else rest[2:]
        name, subresource = [*others, None, None][:2]
        return cls(f"{group}/{resource}", namespace, name, subresource)


class Change(NamedTuple):
    """One event of a watch."""

    version: int
    type: str
    resource: str
    object: Object


class Store:
    """The objects, and every change of them since the last `compact`."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.writes = 0
        self._version = 1
        self._oldest = 0
        self._objects: dict[tuple[str, str, str], Object] = {}
        self._changes: list[Change] = []

    def all(self, address: Address) -> Object:
        """Every object of a kind."""
        items = [item for (resource, _, _), item in self._objects.items() if resource == address.resource]
        return {"kind": "List", "metadata": {"resourceVersion": str(self._version)}, "items": items}

    def get(self, address: Address) -> Object:
        """One object, or 404."""
        found = self._objects.get((address.resource, str(address.namespace), str(address.name)))
        if found is None:
            raise Refusal(404)
        return found

    def create(self, address: Address, item: Object) -> Object:
        """Make one, unless there is one of that name."""
        if (address.resource, str(address.namespace), str(item["metadata"]["name"])) in self._objects:
            raise Refusal(409)
        made = {
            "uid": secrets.token_hex(8),
            "creationTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "generation": 1,
            "namespace": address.namespace,
        }
        item = {**item, "metadata": {**item["metadata"], **made}}
        return self._put("ADDED", address._replace(name=item["metadata"]["name"]), item)

    def patch(self, address: Address, patch: Object) -> Object:
        """Change one by a merge patch; 409 if it names a version that is not the present one."""
        old = copy.deepcopy(self.get(address))
        version = old["metadata"]["resourceVersion"]
        if patch.get("metadata", {}).get("resourceVersion", version) != version:
            raise Refusal(409)
        is_of_status = address.subresource == "status"
        new = _merged(old, {name: value for name, value in patch.items() if (name == "status") == is_of_status})
        if new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] += 1
        if "deletionTimestamp" in new["metadata"] and not new["metadata"].get("finalizers"):
            return self._drop(address, new)
        return self._put("MODIFIED", address, new)

    def delete(self, address: Address) -> Object:
        """Remove one as soon as it has no finalizers."""
        item = copy.deepcopy(self.get(address))
        if not item["metadata"].get("finalizers"):
            return self._drop(address, item)
        item["metadata"]["deletionTimestamp"] = datetime.now(UTC).isoformat()
        return self._put("MODIFIED", address, item)

    def since(self, version: int, resource: str) -> list[Change]:
        """What happened to a kind since a version; 410 if that is too long ago."""
        if version < self._oldest:
            raise Refusal(410)
        return [change for change in self._changes if change.version > version and change.resource == resource]

    def compact(self) -> None:
        """Forget what happened, as etcd does after some minutes."""
        with self.changed:
            self._version += 1
            self._oldest = self._version
            self._changes.clear()

    def _put(self, kind: str, address: Address, item: Object) -> Object:
        self._note(kind, address, item)
        self._objects[address.resource, str(address.namespace), str(address.name)] = item
        return item

    def _drop(self, address: Address, item: Object) -> Object:
        self._note("DELETED", address, item)
        del self._objects[address.resource, str(address.namespace), str(address.name)]
        return item

    def _note(self, kind: str, address: Address, item: Object) -> None:
        self._version += 1
        self.writes += 1
        item["metadata"]["resourceVersion"] = str(self._version)
        self._changes.append(Change(self._version, kind, address.resource, item))
        self.changed.notify_all()


def _merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 JSON
    """RFC 7386."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged
