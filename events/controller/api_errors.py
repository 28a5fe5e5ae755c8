"""Error responses of the Kubernetes API."""

from httpx2 import HTTPStatusError
from lightkube import ApiError

FORBIDDEN, NOT_FOUND, CONFLICT, GONE = 403, 404, 409, 410


def code(error: Exception) -> int | None:
    """Return the HTTP status of an error response, None for an exception without a response."""
    if isinstance(error, ApiError) and error.status.code is not None:
        return error.status.code
    return error.response.status_code if isinstance(error, HTTPStatusError) else None
