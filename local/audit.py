"""`make audit`: compare the running stack's payments and orders with the payment provider."""

import os
import subprocess
import sys

from local.manifests import ROOT
from local.state import NOTHING_RUNS, State

MODULE = "functions.payments.audit"


def main() -> int:
    """Run the audit, which a cluster runs as it is; return its status."""
    state = State()
    running = state.running()
    if running is None:
        print(NOTHING_RUNS, file=sys.stderr)
        return 1
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MONGO_URI": running.databases["payments"],
        "STRIPE_API_BASE": running.stripe_url or os.environ["STRIPE_API_BASE"],
        "STRIPE_KEY": os.environ.get("STRIPE_KEY") or state.secret("stripe-secret", "STRIPE_KEY"),
    }
    return subprocess.run([sys.executable, "-m", MODULE], env=environment, check=False).returncode  # noqa: S603 - ours


if __name__ == "__main__":
    sys.exit(main())
