"""Proves the system in a cluster where an overlay is installed: `python -m tests.cluster CONTEXT URL HOST [PROOF ...]`.

CONTEXT is kubectl's, URL the ingress, HOST the shop's name there. Ends with an error where something does not hold.
"""

import sys

from tests.cluster.kubectl import Cluster, current_context
from tests.cluster.proofs import Proofs

PROOFS = {
    "ready": Proofs.all_is_ready,
    "purchase": Proofs.a_purchase_from_zero,
    "zero": Proofs.first_answers_from_zero,
    "expiry": Proofs.an_order_expires,
    "updates": Proofs.updates_fail_no_request,
    "pods": Proofs.no_pod_is_missed,
}
USAGE = """\
Usage: make prove CONTEXT=kind-ticketing URL=http://127.0.0.1:8080 HOST=gateway.ticketing.127.0.0.1.sslip.io
It changes what is installed, and deletes every pod.
CONTEXT, of kubectl's, is never taken for granted; the current one is:"""


def main(context: str = "", url: str = "", host: str = "", *wanted: str) -> None:
    """Print what was seen of each proof that is wanted, or of all."""
    if not (context and url and host):
        print(USAGE, current_context(), file=sys.stderr)
        sys.exit(2)
    proofs = Proofs(Cluster(context), url, host)
    for name in wanted or PROOFS:
        print(f"{name}: {PROOFS[name](proofs)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
