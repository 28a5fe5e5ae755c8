"""What the Kubernetes API answers instead of doing what it was asked."""

from httpx2 import HTTPStatusError
from lightkube import ApiError

GONE, NOT_FOUND, CONFLICT = 410, 404, 409


def code(error: Exception) -> int | None:
    """The HTTP status that an exception tells of, None for one that is no answer."""
    if isinstance(error, ApiError):
        return error.status.code
    return error.response.status_code if isinstance(error, HTTPStatusError) else None
