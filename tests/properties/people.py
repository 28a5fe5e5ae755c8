"""What sellers and buyers do."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, initialize, multiple, precondition, rule

from tests.functions.harness import User
from tests.properties.market import MAX_ORDER, WHICH, Market, pick
from tests.properties.system import System

SELLER = User("seller@example.com")
ANN, BOB = User("ann@example.com"), User("bob@example.com")
BUYERS = st.sampled_from([ANN, BOB])
QUEUE = st.lists(BUYERS, min_size=1, max_size=4)
MINUTES = st.sampled_from([0, 15])
MAX_ON_SALE = 2


@dataclass(frozen=True)
class Order:
    """An order as its buyer knows it."""

    id: str
    buyer: User


orders: Bundle[Order] = Bundle("orders")


class People(Market):
    """Rules by which tickets and orders come and go."""

    def __init__(self, system: System) -> None:
        """Offer a ticket that every service knows."""
        super().__init__(system)
        self.tickets: list[str] = []
        self.placed: dict[str, Order] = {}
        self.on_sale = self.edits = 0
        self.offer()
        self.broker.deliver_all()

    @initialize(
        target=orders,
        queue=st.lists(BUYERS, min_size=2, max_size=4),
        kept=st.booleans(),
        arrivals=st.integers(0, 2**16),
    )
    def first_buyers(self, queue: list[User], *, kept: bool, arrivals: int) -> MultipleResults:
        """The ticket is sold out at once."""
        self.broker.random.seed(arrivals)
        return self._sell(self.tickets[0], queue, MAX_ORDER, kept=kept)

    @precondition(lambda self: self.on_sale - len(self.orders_that_are("complete")) < MAX_ON_SALE)
    @rule()
    def offer(self) -> None:
        """A seller offers a ticket."""
        body = {"title": "Jazz night", "price": 20}
        answer = self.system.function("tickets-create").call("POST", user=SELLER, json=body)
        assert answer.status_code == 201, answer.data
        self.tickets.append(answer.get_json()["id"])
        self.on_sale += 1

    @precondition(lambda self: self.on_sale)
    @rule(which=WHICH)
    def edit(self, which: int) -> None:
        """The seller changes a ticket."""
        self.edits += 1
        path, body = f"/{pick(self.tickets, which)}", {"title": f"Jazz night {self.edits}", "price": 20 + self.edits}
        answer = self.system.function("tickets-update").call("PUT", path, user=SELLER, json=body)
        assert answer.status_code in (200, 400, 404), answer.data

    @precondition(lambda self: self.on_sale)
    @rule(which=WHICH)
    def take_back(self, which: int) -> None:
        """The seller deletes a ticket."""
        path = f"/{pick(self.tickets, which)}"
        answer = self.system.function("tickets-delete").call("DELETE", path, user=SELLER)
        assert answer.status_code in (204, 400, 404), answer.data
        self.on_sale -= answer.status_code == 204

    @rule(target=orders, which=WHICH, queue=QUEUE, minutes=MINUTES, kept=st.booleans())
    def buy(self, which: int, queue: list[User], minutes: int, *, kept: bool) -> MultipleResults:
        """Buyers queue for a ticket."""
        return self._sell(pick(self.tickets, which), queue, minutes, kept=kept)

    @rule(order=orders)
    def give_up(self, order: Order) -> None:
        """A buyer cancels an order, unless it is paid."""
        answer = self.system.function("orders-cancel").call("DELETE", f"/{order.id}", user=order.buyer)
        assert answer.status_code in (204, 400), answer.data

    @rule(order=orders)
    def take_more_time(self, order: Order) -> None:
        """A buyer renews an order, if that is still possible."""
        answer = self.system.function("orders-renew").call("POST", f"/{order.id}/renewal", user=order.buyer)
        assert answer.status_code in (200, 400), answer.data

    def _sell(self, ticket_id: str, queue: list[User], minutes: int, *, kept: bool) -> MultipleResults:
        """It goes from hand to hand: a buyer orders it, gives it up, and the next one orders it at once."""
        placed: list[Order] = []
        for buyer in queue:
            for order in placed[-1:]:
                self.give_up(order)
            placed += self.order(ticket_id, buyer, minutes)
        for order in [] if kept else placed[-1:]:
            self.give_up(order)
        return multiple(*placed)

    def order(self, ticket_id: str, buyer: User, minutes: int) -> list[Order]:
        """The order that a buyer gets, if any."""
        create = self.system.function("orders-create", EXPIRATION_WINDOW_SECONDS=str(60 * minutes))
        answer = create.call("POST", user=buyer, json={"ticketId": ticket_id})
        assert answer.status_code in (201, 400, 404), answer.data
        if answer.status_code != 201:
            return []
        order = Order(answer.get_json()["id"], buyer)
        self.placed[order.id] = order
        return [order]

    def orders_that_are(self, *statuses: str) -> list[Order]:
        """The orders with these statuses, oldest first."""
        rows = self.system.rows("orders", "orders")
        return [self.placed[str(row["_id"])] for row in rows if row["status"] in statuses]
