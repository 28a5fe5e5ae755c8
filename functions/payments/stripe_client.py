"""Stripe's own library, imported with as little as it can do without: its client, and what its objects mean here."""

import functools
import os
import re
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

from functions.payments.intent import Intent
from functions.shared import trace

# stripe imports every HTTP library that it finds, and uses one: 60 ms of a cold start.
_UNUSED = {"aiohttp", "httpx", "pycurl"} - sys.modules.keys()
sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type]  # None means: not there
import stripe  # noqa: E402

for _name in _UNUSED:
    del sys.modules[_name]

__all__ = ["client", "stripe", "to_intent"]

# To connect and to answer, for one try. Two tries and the library's pause are 2 * (1 + 3) + 0.5 = 8.5 s. A payment
# takes three such calls at most, after up to 2 s in which an order is waited for: 27.5 of 30 s that a request may take.
TIMEOUT_SECONDS = (1.0, 3.0)
RETRIES = 1
_ID = re.compile(r"\b(pi|re)_\w+")  # of the paths that are requested
# The newest that takes a list of payment methods, which went with 2026-09-30 (https://docs.stripe.com/changelog/endive).
# Without one, an intent cannot be confirmed without an address to send the buyer back to, nor with
# error_on_requires_action (https://docs.stripe.com/changelog/2023-08-16/automatic-payment-methods).
API_VERSION = "2026-07-29.dahlia"


class _TracedClient(stripe.RequestsClient):
    """Makes each request, and each retry of one, a span."""

    def request(  # type: ignore[override]  # as the library overrides it
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,  # noqa: ANN401 the library's own
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send a request and return body, status and headers of the response."""
        address = urlsplit(url)
        name = f"{method.upper()} {_ID.sub(':id', address.path)}"
        with trace.span(name, trace.Kind.CLIENT, lambda: _attributes(method, address)) as span:
            body, status, received = super().request(method, url, headers, post_data)
            span.set({"http.response.status_code": status})
            if status >= HTTPStatus.BAD_REQUEST:
                span.fail(str(status))
        return body, status, received


def _attributes(method: str, address: SplitResult) -> trace.Attributes:
    """Return what a span says of a request, by OpenTelemetry's conventions for HTTP. The query may show buyers."""
    return {
        "http.request.method": method.upper(),
        "server.address": address.hostname or "",
        "url.full": address._replace(query="").geturl(),
    }


def client() -> stripe.StripeClient:
    """Return the client of this process, for STRIPE_KEY and the API at STRIPE_API_BASE."""
    return _client_of(os.environ["STRIPE_KEY"], os.environ["STRIPE_API_BASE"])


@functools.cache
def _client_of(key: str, address: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": address},
        http_client=_TracedClient(timeout=TIMEOUT_SECONDS),
        max_network_retries=RETRIES,
    )


def to_intent(found: stripe.PaymentIntent) -> Intent:
    """Return what matters of an intent as the library shows it."""
    error = getattr(found.last_payment_error, "message", None)  # which an error may lack
    return Intent(found.id, found.status, found.amount, found.currency, error or "", found.client_secret or "")
