"""The routes that create, each with what it takes to create one thing twice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from werkzeug.test import TestResponse

from tests.functions.harness import Document, Function, Make, Store, User
from tests.functions.scenes import owe, replicate

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


@dataclass(frozen=True)
class Creation:
    """One route: `created` is its collection, `other` a second body that it would take."""

    function: Function
    created: str
    body: Document
    other: Document
    user: User | None = None

    def post(
        self,
        key: str | None = KEY,
        body: Document | None = None,
        user: User | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """Ask for it, with a key unless that is None."""
        sent = self.headers(key, user) | dict(headers or {})
        return self.function.call("POST", json=body or self.body, headers=sent)

    def headers(self, key: str | None = KEY, user: User | None = None) -> dict[str, str]:
        """What tells who asks, and with which key."""
        caller = user or self.user
        session = {"Authorization": f"Bearer {caller.token()}"} if caller else {}
        return session | ({} if key is None else {"Idempotency-Key": key})

    def count(self, store: Store) -> int:
        """How many were created."""
        return store[self.created].count_documents({})


def signing_up(function: Make, **environment: str) -> Creation:
    """An account."""
    body = {"email": "ada@example.com", "password": "correct horse"}
    return Creation(function("auth-signup", **environment), "users", body, body | {"email": "eve@example.com"})


def offering(function: Make, **environment: str) -> Creation:
    """A ticket."""
    body = {"title": "Jazz night", "price": 20}
    return Creation(function("tickets-create", **environment), "tickets", body, body | {"price": 30}, User())


def reserving(function: Make) -> Creation:
    """An order."""
    body, other = ({"ticketId": replicate(function)["id"]} for _ in range(2))
    return Creation(function("orders-create"), "orders", body, other, User())


def paying(function: Make) -> Creation:
    """A payment."""
    buyer = User()
    body, other = ({"orderId": owe(function, buyer)["id"], "token": "tok_visa"} for _ in range(2))
    return Creation(function("payments-create"), "payments", body, other, buyer)


CREATIONS: tuple[Callable[[Make], Creation], ...] = (signing_up, offering, reserving, paying)
