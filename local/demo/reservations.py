"""Scenes of reserving: one ticket, one order; cancelled, or expired."""

from datetime import UTC, datetime

from local.demo.patience import SOON_SECONDS
from local.demo.person import People, Person, say

MAX_WAIT_SECONDS = 60


def play(url: str) -> People:
    """Offer a ticket, reserve it, give it back."""
    say("A seller and two buyers sign up.")
    seller, buyer, rival = Person("Seller", url), Person("Buyer", url), Person("Rival", url)

    say("The seller offers a ticket, and it is on sale.")
    ticket = seller.does("POST", "/api/tickets", 201, title="Opening night, row 1", price=20)["id"]
    rival.finds(ticket, listed=True)

    say("A buyer reserves it: it leaves the list, and no other buyer can reserve it.")
    order = buyer.does("POST", "/api/orders", 201, ticketId=ticket)
    rival.finds(ticket, listed=False)
    rival.does("POST", "/api/orders", 400, ticketId=ticket)

    say("The buyer thinks better of it, and the ticket is back.")
    buyer.does("DELETE", f"/api/orders/{order['id']}", 204)
    rival.finds(ticket, listed=True)
    return People(seller, buyer, rival, ticket)


def play_expiry(people: People) -> None:
    """Reserve a ticket and let the time run out, if that is soon."""
    say("The rival reserves another ticket and forgets to pay.")
    ticket = people.seller.does("POST", "/api/tickets", 201, title="Opening night, row 2", price=20)["id"]
    order = people.rival.does("POST", "/api/orders", 201, ticketId=ticket)
    people.rival.finds(ticket, listed=False)
    left = (datetime.fromisoformat(order["expiresAt"]) - datetime.now(UTC)).total_seconds()
    if left > MAX_WAIT_SECONDS:
        say(f"The order expires in {left / 60:.0f} minutes. `EXPIRATION_WINDOW_SECONDS=5 make run` shortens the wait.")
        return
    say(f"The order expires in {left:.0f} seconds.")
    people.rival.finds_order(order["id"], "cancelled", left + SOON_SECONDS)
    people.rival.finds(ticket, listed=True)
