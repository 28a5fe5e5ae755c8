"""Proves the system in a cluster where an overlay is installed: `python -m tests.cluster URL HOST [PROOF ...]`.

URL is the ingress, HOST the shop's name there; kubectl speaks to the cluster. Ends with an error where something does
not hold.
"""

import sys

from tests.cluster.proofs import Proofs

PROOFS = {
    "ready": Proofs.all_is_ready,
    "purchase": Proofs.a_purchase_from_zero,
    "zero": Proofs.first_answers_from_zero,
    "expiry": Proofs.an_order_expires,
    "updates": Proofs.updates_fail_no_request,
    "pods": Proofs.no_pod_is_missed,
}


def main(url: str, host: str, *wanted: str) -> None:
    """Print what was seen of each proof that is wanted, or of all."""
    proofs = Proofs(url, host)
    for name in wanted or PROOFS:
        print(f"{name}: {PROOFS[name](proofs)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
