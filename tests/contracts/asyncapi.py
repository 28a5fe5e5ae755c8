"""The AsyncAPI document, read: who sends and who receives which event."""

from functools import cache
from pathlib import Path
from typing import Any

from local import manifests

Node = dict[str, Any]


@cache
def read(path: Path) -> Node:
    """What a file of YAML or JSON holds."""
    [found] = manifests.parse(path.read_text())
    return found


FILE = manifests.ROOT / "events" / "asyncapi.yaml"
DOCUMENT = read(FILE)
MESSAGES: dict[str, Node] = DOCUMENT["components"]["messages"]


def operations(action: str) -> dict[str, Node]:
    """The operations that send, or those that receive."""
    return {name: operation for name, operation in DOCUMENT["operations"].items() if operation["action"] == action}


def event_types(messages: list[Node]) -> set[str]:
    """The event types of a list of references to messages."""
    return {resolved(message)["name"] for message in messages}


def resolved(node: Node, base: Path = FILE) -> Node:
    """What a reference leads to in the end, in this document or in a file beside it."""
    while "$ref" in node:
        name, _, pointer = node["$ref"].partition("#")
        base = base.parent / name if name else base
        node = read(base)
        for step in pointer.split("/")[1:]:
            node = node[step]
    return node
