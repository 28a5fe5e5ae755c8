"""What serves as a key: the header Idempotency-Key, or source and id of a CloudEvent."""

import json

import pytest

from tests.functions.creations import KEY, Creation, offering
from tests.functions.harness import CLOUDEVENT, Document, Make, Store, refusal, said

MALFORMED = refusal(400, "Idempotency-Key must be a string of 1 to 255 visible ASCII characters")
CONTEXT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.example.offer"}


@pytest.fixture
def creation(function: Make) -> Creation:
    return offering(function)


def binary(creation: Creation, changes: dict[str, str], body: Document | None = None) -> tuple[int, object]:
    headers = {f"ce-{name}": value for name, value in (CONTEXT | changes).items()}
    return said(creation.post(None, body, headers=headers))


def structured(creation: Creation, changes: dict[str, str]) -> tuple[int, object]:
    event = json.dumps(CONTEXT | changes | {"data": creation.body})
    return said(creation.function.call("POST", data=event, content_type=CLOUDEVENT, headers=creation.headers(None)))


@pytest.mark.parametrize(
    "key", ["a", "0", KEY, "a" * 255, "a,b;c=d", "\\", '"a b"', f'"{"a" * 255}"', r'"a\"b\\"', "'a'", "~!#"]
)
def test_takes_a_key_quoted_or_not(creation: Creation, tickets_store: Store, key: str) -> None:
    first, again = creation.post(key), creation.post(key)
    assert (first.status_code, again.data, creation.count(tickets_store)) == (201, first.data, 1)


def test_a_key_means_the_same_with_and_without_quotes(creation: Creation, tickets_store: Store) -> None:
    answers = [creation.post(key).data for key in (r"a\b", r'"a\\b"')]
    assert (answers[0], creation.count(tickets_store)) == (answers[1], 1)


@pytest.mark.parametrize("key", ["a", "A", "a.", '"a "'])
def test_keys_that_differ_are_different(creation: Creation, tickets_store: Store, key: str) -> None:
    creation.post("aa")
    creation.post(key)
    assert creation.count(tickets_store) == 2


@pytest.mark.parametrize(
    "key", ["", '""', '"', '"a', 'a"', 'a"b', "a b", '"a""b"', '"a", "b"', r'"a\b"', '"a\\"', '"a";b', "a" * 256,
            f'"{"a" * 256}"', "\u00e9", '"\u00e9"', "a\tb"]
)  # fmt: skip
def test_refuses_a_key_that_is_malformed(creation: Creation, tickets_store: Store, key: str) -> None:
    assert said(creation.post(key)) == MALFORMED
    assert tickets_store.dump() == {}


def test_source_and_id_of_an_event_are_its_key(creation: Creation, tickets_store: Store) -> None:
    first = binary(creation, {})
    assert (first[0], binary(creation, {"time": "2030-01-01T00:00:00Z"})) == (201, first)
    assert creation.count(tickets_store) == 1


def test_source_and_id_of_a_structured_event_are_its_key(creation: Creation, tickets_store: Store) -> None:
    answers = [structured(creation, {"time": f"2030-01-01T00:00:0{second}Z"}) for second in range(2)]
    assert (answers[0], creation.count(tickets_store)) == (answers[1], 1)


@pytest.mark.parametrize("changes", [{"id": "2"}, {"source": "/shop/"}, {"source": "/sho", "id": "p1"}])
def test_an_event_of_another_source_or_id_is_another(
    creation: Creation, tickets_store: Store, changes: dict[str, str]
) -> None:
    assert [binary(creation, {})[0], binary(creation, changes)[0]] == [201, 201]
    assert creation.count(tickets_store) == 2


def test_an_event_with_other_data_is_refused(creation: Creation) -> None:
    binary(creation, {})
    assert binary(creation, {}, creation.other) == refusal(422, "Idempotency-Key was used with another body")


def test_the_header_goes_before_the_event(creation: Creation, tickets_store: Store) -> None:
    headers = [{f"ce-{name}": value for name, value in (CONTEXT | {"id": some}).items()} for some in ("1", "2")]
    answers = [creation.post(KEY, headers=sent).data for sent in headers]
    assert (answers[0], creation.count(tickets_store)) == (answers[1], 1)
