"""JSON Schemas of what events carry: one file an event, generated from the catalogue (`make schemas`).

Draft 7, since AsyncAPI 3 asks of its tools to read no later one.
"""

from pathlib import Path
from typing import Any

import msgspec

from events.catalogue import EVENTS, Event

FOLDER = Path(__file__).parent
DIALECT = "http://json-schema.org/draft-07/schema#"


def schema(kind: type[Event]) -> dict[str, Any]:
    """The schema of an event's data. Its `$id` is the event's dataschema."""
    _, found = msgspec.json.schema_components([kind], ref_template="#/definitions/{name}")
    own = found.pop(kind.__name__)
    return {"$schema": DIALECT, "$id": kind.schema(), **own} | ({"definitions": found} if found else {})


def files() -> dict[Path, str]:
    """Every file that belongs into this folder, and its text."""
    return {FOLDER / kind.schema().rpartition("/")[2]: _text(kind) for kind in EVENTS}


def _text(kind: type[Event]) -> str:
    return msgspec.json.format(msgspec.json.encode(schema(kind)), indent=2).decode() + "\n"
