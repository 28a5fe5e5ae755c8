"""The order flow as people see it: over HTTP, through the gateway, with everything in between running."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.person import Person
from tests.e2e.stack import Stack
from tests.eventually import eventually

BUYERS = 200
RESERVED = {"errors": [{"message": "Ticket is already reserved"}]}


@pytest.fixture
def seller(stack: Stack) -> Person:
    return Person(stack.url)


@pytest.fixture
def buyer(stack: Stack) -> Person:
    return Person(stack.url)


def test_a_person_signs_up_signs_out_and_signs_in_again(stack: Stack) -> None:
    person = Person(stack.url)
    email = person.api("GET", "/users/currentuser").json()["currentUser"]["email"]

    assert person.api("POST", "/users/signout").json() == {}
    assert person.api("GET", "/users/currentuser").json() == {"currentUser": None}
    assert person.api("POST", "/tickets", title="x", price=1).status_code == 401

    assert person.api("POST", "/users/signin", email=email.upper(), password="open sesame").status_code == 200
    assert person.api("GET", "/users/currentuser").json()["currentUser"]["email"] == email


def test_an_order_can_be_made_right_after_the_ticket(seller: Person, buyer: Person) -> None:
    order = buyer.order(buyer.reserve(seller.sell(title="Front row", price="12.50")))

    assert order["status"] == "created"
    assert (order["ticket"]["title"], order["ticket"]["price"]) == ("Front row", 12.5)


def test_asserting_reserved_tickets(seller: Person, buyer: Person) -> None:
    ticket = seller.sell()
    buyer.reserve(ticket)

    refused = seller.api("POST", "/orders", ticketId=ticket)

    assert (refused.status_code, refused.json()) == (400, RESERVED)


def test_a_reserved_ticket_leaves_the_list_and_comes_back_when_its_order_is_cancelled(
    seller: Person, buyer: Person
) -> None:
    ticket = seller.sell()
    assert ticket in seller.on_sale()

    order = buyer.reserve(ticket)
    eventually(lambda: ticket not in seller.on_sale())
    assert seller.ticket(ticket)["orderId"] == order
    assert seller.api("PUT", f"/tickets/{ticket}", title="x", price=1).status_code == 400

    assert buyer.api("DELETE", f"/orders/{order}").status_code == 204
    eventually(lambda: ticket in seller.on_sale())
    assert buyer.order(order)["status"] == "cancelled"


def test_fetching_a_users_orders(seller: Person, buyer: Person) -> None:
    orders = [buyer.reserve(seller.sell()) for _ in range(3)]

    assert [order["id"] for order in buyer.api("GET", "/orders").json()] == orders
    assert seller.api("GET", "/orders").json() == []
    assert seller.api("GET", f"/orders/{orders[0]}").status_code == 401


def test_an_order_keeps_the_ticket_as_it_stood(seller: Person, buyer: Person) -> None:
    ticket = seller.sell(title="Before", price=10)
    order = buyer.reserve(ticket)
    buyer.api("DELETE", f"/orders/{order}")
    eventually(lambda: seller.api("PUT", f"/tickets/{ticket}", title="After", price=11).status_code == 200)

    assert buyer.order(order)["ticket"] == {"id": ticket, "title": "Before", "price": 10}


def test_a_deleted_ticket_cannot_be_ordered(seller: Person, buyer: Person) -> None:
    ticket = seller.sell()
    assert seller.api("DELETE", f"/tickets/{ticket}").status_code == 204
    assert seller.api("GET", f"/tickets/{ticket}").status_code == 404

    # 404 once orders knows; an order that is faster than the news is cancelled when its ticket turns out to be gone.
    eventually(lambda: buyer.api("POST", "/orders", ticketId=ticket).status_code == 404)
    eventually(lambda: all(order["status"] == "cancelled" for order in buyer.api("GET", "/orders").json()))


@pytest.mark.slow
def test_two_hundred_buyers_fight_for_one_ticket_and_one_gets_it(stack: Stack, seller: Person) -> None:
    ticket = seller.sell()
    with ThreadPoolExecutor(max_workers=16) as entrance:
        buyers = list(entrance.map(lambda _: Person(stack.url), range(BUYERS)))
    with ThreadPoolExecutor(max_workers=BUYERS) as crowd:
        answers = list(crowd.map(lambda buyer: buyer.api("POST", "/orders", ticketId=ticket), buyers))

    lost = [answer.json() for answer in answers if answer.status_code == 400]
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * (BUYERS - 1)
    assert lost == [RESERVED] * (BUYERS - 1)
