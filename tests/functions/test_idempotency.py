"""Idempotency-Key: a request sent again with the same key creates nothing new and gets the first answer."""

from collections.abc import Callable

import pytest
import yaml

from functions.shared import replication
from functions.shared.eventing import outbox
from functions.shared.web import idempotency
from local import manifests
from tests.functions.creations import CREATIONS, KEY, Creation, offering, reserving, signing_up
from tests.functions.harness import CLOUDEVENT, Make, Store, User, new_id, refusal, said
from tests.functions.scenes import replicate

NOWHERE = "mongodb://127.0.0.1:1/nothing?directConnection=true"
REUSED = refusal(422, "Idempotency-Key was used with another body")
SHARED = manifests.ROOT / "knative/base/functions/shared.yaml"


@pytest.fixture(params=CREATIONS)
def creation(function: Make, request: pytest.FixtureRequest) -> Creation:
    prepare: Callable[[Make], Creation] = request.param
    return prepare(function)


@pytest.fixture
def store(creation: Creation, stores: dict[str, Store]) -> Store:
    """The database of the route's service."""
    return stores[creation.function.name.partition("-")[0]]


def test_the_same_request_gets_the_first_answer_again(creation: Creation, store: Store) -> None:
    first = creation.post()
    before = store.dump()
    again = creation.post()

    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers.to_wsgi_list() == [pair for pair in first.headers.to_wsgi_list() if pair[0] != "Set-Cookie"]
    assert (store.dump(), creation.count(store)) == (before, 1)


def test_another_body_with_the_same_key_is_refused(creation: Creation, store: Store) -> None:
    creation.post()
    before = store.dump()

    assert said(creation.post(body=creation.other)) == REUSED
    assert store.dump() == before


def test_another_key_is_another_request(creation: Creation, store: Store) -> None:
    assert [creation.post("1").status_code, creation.post("2", creation.other).status_code] == [201, 201]
    assert creation.count(store) == 2


def test_without_a_key_nothing_is_kept(creation: Creation, store: Store) -> None:
    assert creation.post(None).status_code == 201
    assert "idempotency" not in store.dump()


def test_the_first_answer_comes_as_a_cloudevent_when_asked(creation: Creation) -> None:
    first = creation.post()
    again = creation.post(headers={"Accept": CLOUDEVENT})

    assert (again.status_code, again.content_type) == (201, CLOUDEVENT)
    assert again.get_json(force=True)["data"] == first.json


def test_what_was_refused_and_changed_nothing_can_be_mended(creation: Creation, store: Store) -> None:
    assert creation.post(body={"title": 5}).status_code == 400
    assert "idempotency" not in store.dump()
    assert creation.post().status_code == 201


def test_a_fault_of_ours_is_not_kept(function: Make, tickets_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    creation = offering(function)
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "add", lambda *_: 1 / 0)
        assert creation.post().status_code == 500

    assert tickets_store.dump() == {}
    assert creation.post().status_code == 201


def test_a_ticket_that_was_unknown_can_be_reserved_later(function: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replication, "PATIENCE_SECONDS", 0)
    creation, ticket = reserving(function), new_id()
    assert creation.post(body={"ticketId": ticket}).status_code == 404
    replicate(function, id=ticket)
    assert creation.post(body={"ticketId": ticket}).status_code == 201


def test_a_key_belongs_to_its_user(function: Make, tickets_store: Store) -> None:
    creation = offering(function)
    answers = [creation.post(user=user) for user in (User("a@example.com"), User("b@example.com"))]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert creation.count(tickets_store) == 2


def test_a_key_belongs_to_its_route(function: Make, tickets_store: Store) -> None:
    creation, user = offering(function), User()
    elsewhere = offering(function, K_SERVICE="tickets-create-many")

    assert [creation.post(user=user).status_code, elsewhere.post(user=user).status_code] == [201, 201]
    assert creation.count(tickets_store) == 2


def test_a_request_without_a_session_is_refused_before_the_database_is_asked(function: Make) -> None:
    create = function("tickets-create", MONGO_URI=NOWHERE)
    response = create.call("POST", json={}, headers={"Idempotency-Key": KEY})
    assert said(response) == refusal(401, "Not authorized")


def test_a_new_session_is_not_handed_out_again(function: Make, auth_store: Store) -> None:
    creation = signing_up(function)
    assert "Set-Cookie" in creation.post().headers
    assert "Set-Cookie" not in creation.post().headers
    assert "session=" not in repr(auth_store["idempotency"].find_one())


def test_what_is_kept_of_a_body_is_of_no_use_without_the_key_of_the_service(function: Make, auth_store: Store) -> None:
    creation = signing_up(function)
    fingerprints = set()
    for key in ("one key, long enough for HMAC with SHA-256", "another, long enough for HMAC with SHA-256"):
        auth_store.clear()
        signing_up(function, FINGERPRINT_KEY=key).post()
        [row] = auth_store["idempotency"].find()
        assert creation.body["password"] not in repr(row)
        fingerprints.add(row["fingerprint"])
    assert len(fingerprints) == 2


def test_a_request_is_known_again_while_one_key_of_the_service_takes_the_others_place(function: Make) -> None:
    old, new = "one key, long enough for HMAC with SHA-256", "another, long enough for HMAC with SHA-256"
    first = signing_up(function, FINGERPRINT_KEY=old).post()
    for keys in (f"{old}\n{new}", f"{new}\n{old}"):
        again = signing_up(function, FINGERPRINT_KEY=keys)
        assert (again.post().status_code, again.post().data) == (201, first.data)
        assert said(again.post(body=again.other)) == REUSED


def test_keys_last_24_hours(function: Make, tickets_store: Store) -> None:
    offering(function).post()
    index = tickets_store["idempotency"].index_information()["heldUntil_1"]
    assert index["expireAfterSeconds"] == 24 * 3600


def test_a_mark_is_held_as_long_as_a_request_may_take() -> None:
    [limit] = [patch["value"] for patch in yaml.safe_load(SHARED.read_text()) if "timeoutSeconds" in patch["path"]]
    assert idempotency.REQUEST_LIMIT.total_seconds() == limit
