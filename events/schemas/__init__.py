"""JSON Schemas of the events' data: one file for each event, generated from the catalogue (`make schemas`).

Draft 7 is the latest that every AsyncAPI 3 tool has to read.
"""

from pathlib import Path
from typing import Any

import msgspec

from events.catalogue import EVENTS, Event

FOLDER = Path(__file__).parent
DIALECT = "http://json-schema.org/draft-07/schema#"


def schema(kind: type[Event]) -> dict[str, Any]:
    """Return the schema of an event's data. Its `$id` is the event's dataschema."""
    _, found = msgspec.json.schema_components([kind], ref_template="#/definitions/{name}")
    own = found.pop(kind.__name__)
    return {"$schema": DIALECT, "$id": kind.schema(), **own} | ({"definitions": found} if found else {})


def files() -> dict[Path, str]:
    """Return every schema file of this folder and its text."""
    return {FOLDER / kind.schema().rpartition("/")[2]: _text(kind) for kind in EVENTS}


def _text(kind: type[Event]) -> str:
    return msgspec.json.format(msgspec.json.encode(schema(kind)), indent=2).decode() + "\n"
