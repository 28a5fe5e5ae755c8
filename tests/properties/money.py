"""What must be true of money: what the provider took and gave back, against orders and payments."""

from collections import Counter
from itertools import pairwise

from tests.functions.harness import Document
from tests.properties.invariants import UNPAID, State

PREFIX = "dev.ticketing.payment."
# Which event of a payment may follow which, and the status that it tells.
NEXT = {
    "started": {"started", "created", "failed", "refund-requested"},  # again when a token takes over from a browser
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
CHARGED = ("succeeded", "refunding", "refunded")
ENDS = ("succeeded", "canceled")


def in_hindsight(state: State) -> None:
    """Check that each payment went by the rules, and that events say so."""
    _no_order_is_charged_twice(state)
    _a_payment_has_one_intent(state)
    _no_payment_starts_late(state)
    _payments_follow_their_rules(state)


def at_rest(state: State) -> None:
    """Check that no money is owed."""
    _orders_are_known_as_they_are(state)
    _every_payment_is_settled(state)
    _settled_payments_cannot_be_charged(state)
    _money_is_kept_for_complete_orders(state)
    _other_money_went_back_once(state)
    _payments_tell_what_the_provider_did(state)


def charges(state: State) -> list[Document]:
    """The intents for which money was taken by us; those of others name no order."""
    succeeded = [intent for intent in state.ledger["payment_intents"] if intent["status"] == "succeeded"]
    return [intent for intent in succeeded if "order" in intent["metadata"]]


def _no_order_is_charged_twice(state: State) -> None:
    per_order = Counter(charge["metadata"]["order"] for charge in charges(state))
    assert max(per_order.values(), default=1) == 1, f"charged twice: {per_order}"


def _a_payment_has_one_intent(state: State) -> None:
    """The provider's idempotency key sees to that; the second one would be an intent that is never ended."""
    ours = [intent for intent in state.ledger["payment_intents"] if "order" in intent["metadata"]]
    per_payment = Counter(intent["metadata"]["payment"] for intent in ours)
    assert max(per_payment.values(), default=1) == 1, f"several intents: {per_payment}"


def _no_payment_starts_late(state: State) -> None:
    for row in state.payments.values():
        expires = state.orders[row["orderId"]]["expiresAt"]
        assert row["startedAt"] < expires, f"started at {row['startedAt']} to pay for what expired at {expires}"


def _payments_follow_their_rules(state: State) -> None:
    assert state.payments.keys() == state.payments_told.keys(), "payments and their events differ"
    for payment_id, story in state.payments_told.items():
        told = [event["type"].removeprefix(PREFIX) for event in story]
        told = [name for name in told if name != "overdue"]  # which shows no change
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
    left = [row for row in state.payments.values() if row["status"] not in SETTLED and not _is_open(state, row)]
    assert not left, f"not settled: {left}"


def _settled_payments_cannot_be_charged(state: State) -> None:
    ends = {intent["id"]: intent["status"] for intent in state.ledger["payment_intents"]}
    settled = [row for row in state.payments.values() if row["status"] in SETTLED and row["providerId"]]
    left = [row for row in settled if ends[row["providerId"]] not in ENDS]
    assert not left, f"can be charged still: {left}"


def _is_open(state: State, payment: Document) -> bool:
    """Say if a buyer may still confirm a payment in a browser, and the webhook may be yet to come."""
    order = state.orders[payment["orderId"]]
    return payment["status"] == "pending" and payment["confirmer"] == "browser" and order["status"] in UNPAID


def _money_is_kept_for_complete_orders(state: State) -> None:
    kept = {c["metadata"]["order"]: c["amount"] for c in _told(state) if not c["amount_refunded"]}
    due = {i: row["ticket"]["priceCents"] for i, row in state.orders.items() if row["status"] == "complete"}
    assert kept == due, f"kept {kept}, due {due}"


def _other_money_went_back_once(state: State) -> None:
    refunds = [(refund["payment_intent"], refund["amount"]) for refund in state.ledger["refunds"]]
    owed = [(c["id"], c["amount"]) for c in _told(state) if c["metadata"]["order"] not in _complete(state)]
    assert sorted(refunds) == sorted(owed), f"refunded {refunds}, owed {owed}"


def _told(state: State) -> list[Document]:
    """The charges but those of payments that are open: their webhooks may be yet to come."""
    still_open = {payment_id for payment_id, row in state.payments.items() if _is_open(state, row)}
    return [charge for charge in charges(state) if charge["metadata"]["payment"] not in still_open]


def _complete(state: State) -> set[str]:
    return {order_id for order_id, row in state.orders.items() if row["status"] == "complete"}


def _payments_tell_what_the_provider_did(state: State) -> None:
    taken = {charge["metadata"]["payment"]: (charge["id"], charge["amount"]) for charge in _told(state)}
    charged = {i: row for i, row in state.payments.items() if row["status"] in CHARGED}
    recorded = {i: (row["providerId"], row["amountCents"]) for i, row in charged.items()}
    assert recorded == taken, f"recorded {recorded}, taken {taken}"
