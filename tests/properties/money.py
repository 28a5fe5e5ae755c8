"""What must be true of money: what the provider took and gave back, against orders and payments."""

from collections import Counter
from itertools import pairwise

from tests.functions.harness import Document
from tests.properties.invariants import State

PREFIX = "dev.ticketing.payment."
# Which event of a payment may follow which, and the status that it tells.
NEXT = {
    "started": {"created", "failed", "refund-requested"},
    "created": {"refund-requested"},
    "failed": {"refund-requested"},
    "refund-requested": {"refunded"},
    "refunded": set(),
}
STATUS = {
    "started": "pending",
    "created": "succeeded",
    "failed": "failed",
    "refund-requested": "refunding",
    "refunded": "refunded",
}
SETTLED = ("succeeded", "failed", "refunded")


def in_hindsight(state: State) -> None:
    """Whatever became of a payment became of it by the rules, and was told."""
    _nobody_is_charged_twice(state)
    _no_payment_starts_late(state)
    _payments_follow_their_rules(state)


def at_rest(state: State) -> None:
    """Nobody owes anybody anything."""
    _orders_are_known_as_they_are(state)
    _every_payment_is_settled(state)
    _money_is_kept_for_complete_orders(state)
    _other_money_went_back_once(state)
    _payments_tell_what_the_provider_did(state)


def charges(state: State) -> list[Document]:
    """The intents for which money was taken by us; those of others name no order."""
    succeeded = [intent for intent in state.ledger["payment_intents"] if intent["status"] == "succeeded"]
    return [intent for intent in succeeded if "order" in intent["metadata"]]


def _nobody_is_charged_twice(state: State) -> None:
    per_order = Counter(charge["metadata"]["order"] for charge in charges(state))
    assert max(per_order.values(), default=1) == 1, f"charged twice: {per_order}"


def _no_payment_starts_late(state: State) -> None:
    for row in state.payments.values():
        expires = state.orders[row["orderId"]]["expiresAt"]
        assert row["startedAt"] < expires, f"started at {row['startedAt']} to pay for what expired at {expires}"


def _payments_follow_their_rules(state: State) -> None:
    assert state.payments.keys() == state.payments_told.keys(), "payments and their events differ"
    for payment_id, story in state.payments_told.items():
        told = [event["type"].removeprefix(PREFIX) for event in story]
        possible = told[0] == "started" and all(after in NEXT[before] for before, after in pairwise(told))
        assert possible, f"a payment went through {told}"
        assert state.payments[payment_id]["status"] == STATUS[told[-1]], f"told {told}: {state.payments[payment_id]}"


def _orders_are_known_as_they_are(state: State) -> None:
    known = {order_id: _looks(row, row["priceCents"]) for order_id, row in state.known_orders.items()}
    assert known == {order_id: _looks(row, row["ticket"]["priceCents"]) for order_id, row in state.orders.items()}, (
        "payments and orders disagree about orders"
    )


def _looks(row: Document, price: int) -> tuple[object, ...]:
    return row["version"], row["status"], row["userId"], row["expiresAt"], price


def _every_payment_is_settled(state: State) -> None:
    left = [row for row in state.payments.values() if row["status"] not in SETTLED]
    assert not left, f"not settled: {left}"


def _money_is_kept_for_complete_orders(state: State) -> None:
    kept = {c["metadata"]["order"]: c["amount"] for c in charges(state) if not c["amount_refunded"]}
    due = {i: row["ticket"]["priceCents"] for i, row in state.orders.items() if row["status"] == "complete"}
    assert kept == due, f"kept {kept}, due {due}"


def _other_money_went_back_once(state: State) -> None:
    refunds = [(refund["payment_intent"], refund["amount"]) for refund in state.ledger["refunds"]]
    owed = [(c["id"], c["amount"]) for c in charges(state) if c["metadata"]["order"] not in _complete(state)]
    assert sorted(refunds) == sorted(owed), f"refunded {refunds}, owed {owed}"


def _complete(state: State) -> set[str]:
    return {order_id for order_id, row in state.orders.items() if row["status"] == "complete"}


def _payments_tell_what_the_provider_did(state: State) -> None:
    taken = {charge["metadata"]["payment"]: (charge["id"], charge["amount"]) for charge in charges(state)}
    recorded = {i: (row["providerId"], row["amountCents"]) for i, row in state.payments.items() if row["providerId"]}
    assert recorded == taken, f"recorded {recorded}, taken {taken}"
