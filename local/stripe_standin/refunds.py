"""Refunds: https://docs.stripe.com/api/refunds."""

import time

from local.stripe_standin import parameters
from local.stripe_standin.call import Call, new_id
from local.stripe_standin.ledger import Object
from local.stripe_standin.parameters import Parameters
from local.stripe_standin.problems import invalid

KIND = "refund"
PENDING, FAILED = "pending", "failed"

CREATION = parameters.record(
    "payment_intent",
    payment_intent=parameters.string,
    amount=parameters.positive,
    reason=parameters.choice("duplicate", "fraudulent", "requested_by_customer"),
    metadata=parameters.metadata,
    expand=parameters.items(parameters.choice("charge", "payment_intent")),
)
SHOWN = parameters.record(expand=parameters.items(parameters.choice("charge", "payment_intent")))
LISTED = parameters.record(
    limit=parameters.page_size,
    starting_after=parameters.string,
    payment_intent=parameters.string,
)


def create(call: Call, given: Parameters, _: str) -> Object:
    """Give back what is left of a charge, or the amount asked for."""
    intent = call.find("payment_intent", given["payment_intent"], "payment_intent")
    if intent["status"] != "succeeded":
        raise invalid(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    charge = call.find("charge", intent["latest_charge"], "charge")
    amount = _amount(charge, given.get("amount"))
    refund = _new(charge, amount, given) | {"status": call.injector.behaviour.refunds}
    call.ledger.save(refund)
    call.announce("refund.created", refund)
    if refund["status"] == FAILED:
        call.announce("refund.failed", refund)
    else:  # what is pending is no longer there to be refunded, as is what was refunded
        _add(call, charge, amount)
        call.announce("charge.refunded", charge)
    return call.expanded(refund, given)


def conclude(call: Call) -> None:
    """Let what is pending come to the end that is told, unless it is to go on."""
    if (end := call.injector.behaviour.refunds) == PENDING:
        return
    for refund in call.ledger.all(KIND):
        if refund["status"] == PENDING:
            refund["status"] = end
            call.ledger.save(refund)
            call.announce("refund.updated", refund)
            if end == FAILED:
                _add(call, call.find("charge", refund["charge"], "charge"), -refund["amount"])
                call.announce("refund.failed", refund)


def show(call: Call, given: Parameters, identifier: str) -> Object:
    """One refund."""
    return call.expanded(call.find(KIND, identifier, "refund", 404), given)


def page(call: Call, given: Parameters, _: str) -> Object:
    """Refunds, newest first."""
    if intent := given.get("payment_intent"):
        call.find("payment_intent", intent, "payment_intent")
    return call.listing(KIND, "/v1/refunds", given)


def _add(call: Call, charge: Object, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.ledger.save(charge)


def _amount(charge: Object, wanted: int | None) -> int:
    left: int = charge["amount"] - charge["amount_refunded"]
    if not left:
        message = f"Charge {charge['id']} has already been refunded."
        raise invalid(message, code="charge_already_refunded")
    if wanted and wanted > left:
        whole = "unrefunded amount on charge" if charge["amount_refunded"] else "charge amount"
        raise invalid(f"Refund amount ({_dollars(wanted)}) is greater than {whole} ({_dollars(left)})", "amount")
    return wanted or left


def _new(charge: Object, amount: int, given: Parameters) -> Object:
    return {
        "id": new_id("re"),
        "object": KIND,
        "amount": amount,
        "charge": charge["id"],
        "created": int(time.time()),
        "currency": "usd",
        "metadata": given.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": given.get("reason"),
    }


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02}"
