"""A buyer holds so many unpaid orders and no more, at any concurrency."""

from threading import Barrier, get_ident

import pytest

from functions.orders import repository
from functions.shared.storage.transaction import Transaction
from tests.eventually import PATIENCE_SECONDS
from tests.functions.harness import Document, Function, Make, Store, User, at_once, event, refusal, said
from tests.functions.scenes import place, replicate

BUYER = User()
MOST = 3


@pytest.fixture
def create(function: Make) -> Function:
    return function("orders-create", RESERVATIONS_PER_BUYER=str(MOST))


def reserve(create: Function, ticket: Document, buyer: User = BUYER) -> tuple[int, object]:
    return said(create.call("POST", json={"ticketId": ticket["id"]}, user=buyer))


def unpaid(orders_store: Store) -> int:
    return orders_store["orders"].count_documents({"userId": BUYER.id, "status": "created"})


def test_one_more_is_refused_and_stores_nothing(function: Make, create: Function, orders_store: Store) -> None:
    for _ in range(MOST):
        assert reserve(create, replicate(function))[0] == 201
    assert reserve(create, replicate(function)) == refusal(400, "Too many reservations")
    assert unpaid(orders_store) == MOST


def test_others_are_not_concerned(function: Make, create: Function) -> None:
    for _ in range(MOST):
        reserve(create, replicate(function))
    assert reserve(create, replicate(function), User("other@example.com"))[0] == 201


def test_what_is_cancelled_or_paid_makes_room(function: Make, create: Function) -> None:
    orders = [reserve(create, replicate(function))[1] for _ in range(MOST)]
    assert all(isinstance(order, dict) for order in orders)
    first, second = [str(order["id"]) for order in orders[:2] if isinstance(order, dict)]
    function("orders-cancel").call("DELETE", f"/{first}", user=BUYER)
    paid = {"id": "a" * 24, "orderId": second, "amount": 20.0, "providerId": "pi_1"}
    function("orders-complete").deliver(event("payment.created", "payments", paid))
    assert [reserve(create, replicate(function))[0] for _ in range(3)] == [201, 201, 400]


def all_look_before_any_stores(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    """Let the first `together` requests all find the same slot free."""
    find, barrier, seen = repository._free_slot, Barrier(together), set[int]()

    def find_together(user_id: str, limit: int, within: Transaction) -> int:
        slot = find(user_id, limit, within)
        if get_ident() not in seen:
            seen.add(get_ident())
            barrier.wait(PATIENCE_SECONDS)
        return slot

    monkeypatch.setattr(repository, "_free_slot", find_together)


def reserve_all(function: Make, create: Function, together: int) -> list[int]:
    tickets = [replicate(function) for _ in range(together)]
    return sorted(at_once(create, lambda ticket: reserve(create, ticket)[0], tickets, together))


def test_of_many_at_once_so_many_get_in(
    function: Make, create: Function, orders_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_look_before_any_stores(monkeypatch, 6)
    assert reserve_all(function, create, 6) == [201] * MOST + [400] * (6 - MOST)
    assert unpaid(orders_store) == MOST


def test_without_the_index_too_many_get_in(
    function: Make, create: Function, orders_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(function, User("first@example.com"))  # the indexes are there
    orders_store["orders"].drop_index(str(repository.ONE_UNPAID_ORDER_PER_SLOT.document["name"]))
    all_look_before_any_stores(monkeypatch, 6)
    assert reserve_all(function, create, 6) == [201] * 6
    assert unpaid(orders_store) == 6
