"""Of several attempts with one key one creates, in any order and after any crash."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect

from functions.auth import repository as accounts
from functions.orders import repository as orders
from functions.payments import repository as payments
from functions.shared import clock
from functions.shared.eventing import outbox
from functions.shared.storage import transaction
from functions.shared.web.idempotency import REQUEST_LIMIT
from functions.tickets import repository as tickets
from tests.functions.creations import CREATIONS, Creation, offering, paying
from tests.functions.harness import Make, Store, at_once, refusal, said
from tests.functions.killed import killed_before
from tests.functions.overlap import overtake
from tests.properties.system import Time

IN_PROGRESS = refusal(409, "A request with this Idempotency-Key is in progress")
FAULT = refusal(500, "Something went wrong")
STORING: dict[str, tuple[ModuleType, str]] = {
    "auth-signup": (accounts, "add"),
    "tickets-create": (tickets, "add"),
    "orders-create": (orders, "add"),
    "payments-create": (payments, "add"),
}
# Its first transaction has no response to store yet, nor is its mark part of it: the retry cannot lock the rows that
# it left locked.
LOCKED = {"payments-create": FAULT}
REUSED = refusal(422, "Idempotency-Key was used with another body")
IN_THE_TRANSACTION = (outbox, "add")


@pytest.fixture(params=CREATIONS)
def creation(function: Make, request: pytest.FixtureRequest) -> Creation:
    prepare: Callable[[Make], Creation] = request.param
    return prepare(function)


# Each kills a process of its own. Payments is the one route with a transaction before the one that stores a response.
KILLED = pytest.mark.parametrize(
    "creation",
    [one if one in {offering, paying} else pytest.param(one, marks=pytest.mark.slow) for one in CREATIONS],
    indirect=True,
)


@pytest.fixture
def store(creation: Creation, stores: dict[str, Store]) -> Store:
    return stores[creation.function.name.partition("-")[0]]


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(clock, "datetime", time)
    return time


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a short time only for a row that another transaction holds: here some hold it until the end of the test."""
    monkeypatch.setattr(transaction, "CONTENTION_SECONDS", 2)


def post_later(creation: Creation, time: Time) -> tuple[int, object]:
    """Ask again once the first attempt is out of time."""
    time.passed = REQUEST_LIMIT
    return said(creation.post())


def test_what_comes_while_the_first_is_in_flight_is_told_so(creation: Creation, store: Store) -> None:
    first, second = overtake(
        creation.function, lambda: said(creation.post()), lambda: said(creation.post()), STORING[creation.function.name]
    )
    assert (first[0], second) == (201, IN_PROGRESS)
    assert (said(creation.post()), creation.count(store)) == (first, 1)


def test_of_twenty_at_once_one_creates(creation: Creation, store: Store) -> None:
    assert_that_one_creates(creation, store)


def test_one_that_was_taken_over_stores_nothing(creation: Creation, store: Store, time: Time) -> None:
    late, taker = overtake(
        creation.function,
        lambda: said(creation.post()),
        lambda: post_later(creation, time),
        STORING[creation.function.name],
    )
    # Who comes too late with a payment finds the one of the same request.
    assert (late, taker[0]) == (taker if creation.created == "payments" else IN_PROGRESS, 201)
    assert (said(creation.post()), creation.count(store)) == (taker, 1)


@pytest.mark.usefixtures("impatient")
def test_one_that_is_storing_cannot_be_taken_over(function: Make, tickets_store: Store, time: Time) -> None:
    creation = offering(function)
    first, taker = overtake(
        creation.function, lambda: said(creation.post()), lambda: post_later(creation, time), IN_THE_TRANSACTION
    )
    assert (first[0], taker) == (201, IN_PROGRESS)
    assert (said(creation.post()), creation.count(tickets_store)) == (first, 1)


@KILLED
def test_one_that_was_killed_holds_its_mark_until_its_time_is_over(
    creation: Creation, store: Store, time: Time
) -> None:
    kill_one_before_it_stores(creation)
    assert said(creation.post()) == IN_PROGRESS

    time.passed = REQUEST_LIMIT
    assert said(creation.post(body=creation.other)) == REUSED
    assert said(creation.post())[0] == 201
    assert creation.count(store) == 1


def test_one_that_does_not_hear_of_its_mark_releases_it(creation: Creation, store: Store) -> None:
    with answers_lost(Collection, "insert_one"):
        assert said(creation.post()) == FAULT
    assert (said(creation.post())[0], creation.count(store)) == (201, 1)


@KILLED
def test_one_that_does_not_hear_of_taking_over_releases_the_mark(creation: Creation, store: Store, time: Time) -> None:
    kill_one_before_it_stores(creation)
    with answers_lost(ClientSession, "commit_transaction"):
        assert post_later(creation, time) == FAULT
    assert (said(creation.post())[0], creation.count(store)) == (201, 1)


@KILLED
@pytest.mark.usefixtures("impatient")
def test_one_that_was_killed_in_its_transaction_has_stored_nothing(
    creation: Creation, store: Store, time: Time
) -> None:
    killed_before("pymongo.client_session:ClientSession", "commit_transaction", creation)
    assert creation.count(store) == 0
    time.passed = REQUEST_LIMIT
    assert said(creation.post()) == LOCKED.get(creation.function.name, IN_PROGRESS)

    end_transactions(store)
    assert said(creation.post())[0] == 201
    assert creation.count(store) == 1


@KILLED
def test_of_twenty_that_take_over_at_once_one_creates(creation: Creation, store: Store, time: Time) -> None:
    kill_one_before_it_stores(creation)
    time.passed = REQUEST_LIMIT
    assert_that_one_creates(creation, store)


def kill_one_before_it_stores(creation: Creation) -> None:
    """It leaves a mark and nothing else."""
    module, name = STORING[creation.function.name]
    killed_before(module.__name__, name, creation)


def assert_that_one_creates(creation: Creation, store: Store) -> None:
    """Of twenty at once; the others do not even try."""
    with calls_of(*STORING[creation.function.name]) as tried:
        answers = at_once(creation.function, lambda _: said(creation.post()), range(20))
    first = said(creation.post())
    assert first in answers
    assert all(answer in (first, IN_PROGRESS) for answer in answers)
    assert (len(tried), creation.count(store)) == (1, 1)


@contextmanager
def answers_lost(driver: type, name: str) -> Iterator[None]:
    """The database does what a method of its driver asks for, and its answer gets lost."""
    call = getattr(driver, name)

    def lose(*arguments: object) -> None:
        call(*arguments)
        raise AutoReconnect("connection closed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, name, lose)
        yield


@contextmanager
def calls_of(module: ModuleType, name: str) -> Iterator[list[object]]:
    """What a function is called with."""
    call, calls = getattr(module, name), list[object]()

    def note(*arguments: object) -> object:
        calls.append(arguments)
        return call(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, note)
        yield calls


def end_transactions(store: Store) -> None:
    """What the server does by itself with the transaction of a process that is gone, in the end."""
    store.database.client.admin.command("killAllSessions", [])
