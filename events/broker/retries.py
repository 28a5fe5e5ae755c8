"""When to retry a delivery: Knative's `retry`, `backoffPolicy` and `backoffDelay`, and the subscriber's Retry-After."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MAX_BACKOFF = 60.0  # seconds, unless the delay that the spec names is longer
_MAX_RETRY_AFTER = 3600.0  # seconds, so that no subscriber can delay an event for ever
_MAX_DURATION = 366 * 86_400.0  # seconds; JetStream cannot count some hundred years, nor Python more
_MAX_EXPONENT = 32

_DURATION = re.compile(r"P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?")
_UNITS = (7 * 86_400, 86_400, 3_600, 60, 1)

# knative/specs data-plane.md, "Event Acknowledgement and Delivery Retry"; a 5xx too.
_RETRIED = frozenset({404, 408, 409, 429})
_WITH_RETRY_AFTER = frozenset({429, 503})
_SERVER_ERROR = 500


def seconds(duration: str) -> float:
    """Return the seconds of an ISO 8601 duration of weeks, days, hours, minutes and seconds. Raises ValueError."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError(f"not an ISO 8601 duration: {duration[:64]!r}")
    total = sum(
        float(number.replace(",", ".")) * unit for number, unit in zip(match.groups(), _UNITS, strict=True) if number
    )
    if total > _MAX_DURATION:
        raise ValueError(f"the duration {duration[:64]!r} is longer than a year")
    return total


def is_retried(status: int) -> bool:
    """Tell whether a delivery that a subscriber answered with `status` is retried."""
    return status in _RETRIED or status >= _SERVER_ERROR


def retry_after(status: int, header: str | None) -> float:
    """Return the seconds that a Retry-After header asks for, by number or date; 0 without a valid one."""
    if header is None or status not in _WITH_RETRY_AFTER:
        return 0.0
    try:
        if header.isdecimal():
            return float(header)
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (OverflowError, TypeError, ValueError):
        return 0.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to retry, and after how many seconds. The defaults are those of Knative's own Broker."""

    retry: int = 10
    exponential: bool = True
    backoff: float = 0.2
    retry_after_max: float = _MAX_RETRY_AFTER

    def delay(self, attempt: int, min_delay: float = 0.0) -> float:
        """Return the seconds to wait after an attempt, counted from 1; `min_delay` are the seconds of Retry-After."""
        factor = 2 ** min(attempt - 1, _MAX_EXPONENT) if self.exponential else attempt
        longest = max(_MAX_BACKOFF, self.backoff)
        return max(min(self.backoff * factor, longest), min(min_delay, self.retry_after_max))
