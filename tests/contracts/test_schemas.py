"""The JSON Schemas of the events: the files are what the catalogue says."""

import json

import pytest
from jsonschema_rs import Draft7Validator

from events import schemas
from events.catalogue import EVENTS, Event


def test_the_files_are_what_the_catalogue_says() -> None:
    committed = {path: path.read_text() for path in schemas.FOLDER.glob("*.json")}

    assert committed == schemas.files(), "`make schemas` writes them again"


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.NAME)
def test_a_schema_is_one_and_has_the_name_that_events_give_as_their_dataschema(kind: type[Event]) -> None:
    [found] = [text for path, text in schemas.files().items() if kind.schema().endswith(f"/{path.name}")]

    assert json.loads(found)["$id"] == kind.schema()
    Draft7Validator(json.loads(found))
