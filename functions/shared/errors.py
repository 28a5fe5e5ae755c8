"""The one table of errors: their statuses and messages.

Domain code raises these; the HTTP and the event adapter turn them into responses. Any other exception is a fault of
the server: 500, `Something went wrong`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One error of a request; `field` names the bad field, if it is one."""

    message: str
    field: str | None = None


class ApiError(Exception):
    """A request that gets an error response and has changed nothing."""

    message = "Something went wrong"
    retry_after_seconds: int | None = None  # when to send the request again, if that can help

    def __init__(self, message: str | None = None) -> None:
        self.errors = [FieldError(message or self.message)]
        super().__init__(self.errors[0].message)


class NotAuthorized(ApiError):
    """The caller is not signed in, or does not own what is asked for."""

    message = "Not authorized"


class NotFound(ApiError):
    """What the path or the body names does not exist."""

    message = "Not Found"


class RuleBroken(ApiError):
    """A business rule forbids it; each service's domain names its rules as subclasses."""


class Conflict(ApiError):
    """The request was right, but what it is about has changed meanwhile."""

    message = "Conflict"


class PaymentRequired(ApiError):
    """The card was not charged."""


class InvalidFields(ApiError):
    """One or more fields are bad; all of them are reported at once."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(", ".join(error.message for error in errors))
        self.errors = errors


class InvalidField(Exception):
    """One value is bad. Parsers raise it; the reader of the fields collects it."""


class MalformedBody(ApiError):
    """The body cannot be read at all."""

    message = "Body must be a JSON object"


class NotACloudEvent(ApiError):
    """A CloudEvent was expected or announced, and the request is not one."""

    message = "Body must be a CloudEvents 1.0 event"


class TooLarge(ApiError):
    """The body is over the limit."""

    message = "Payload Too Large"


class UnsupportedMediaType(ApiError):
    """The body is not JSON."""

    message = "Content-Type must be application/json"


class MalformedKey(ApiError):
    """The Idempotency-Key cannot be read."""

    message = "Idempotency-Key must be a string of 1 to 255 visible ASCII characters"


class KeyReused(ApiError):
    """The Idempotency-Key was used before, with another body."""

    message = "Idempotency-Key was used with another body"


class InProgress(ApiError):
    """An earlier request for the same is in progress: try again later."""

    message = "A request with this Idempotency-Key is in progress"


class TooManyWaiting(ApiError):
    """Too many requests wait for replication already."""

    message = "Service Unavailable"
    retry_after_seconds = 1


class NotMigrated(ApiError):
    """The database lacks an index that carries a guarantee."""

    message = "Service Unavailable"
    retry_after_seconds = 5


class DeadlineExceeded(ApiError):
    """The caller has stopped waiting, so nothing was begun."""

    message = "Gateway Timeout"


class TooManyRequests(ApiError):
    """The caller has to pause."""

    message = "Too Many Requests"


class NotYet(ApiError):
    """An event came too early: deliver it again later."""

    message = "Not yet"


class NotUnderstood(ApiError):
    """An event that this function will never understand: do not deliver it again."""

    message = "Event is not understood"


STATUS: dict[type[ApiError], int] = {
    MalformedBody: 400,
    NotACloudEvent: 400,
    InvalidFields: 400,
    MalformedKey: 400,
    RuleBroken: 400,
    NotAuthorized: 401,
    PaymentRequired: 402,
    NotFound: 404,
    Conflict: 409,
    InProgress: 409,
    NotYet: 409,
    TooLarge: 413,
    UnsupportedMediaType: 415,
    KeyReused: 422,
    NotUnderstood: 422,
    TooManyRequests: 429,
    TooManyWaiting: 503,
    NotMigrated: 503,
    DeadlineExceeded: 504,
}


def status_of(error: ApiError) -> int:
    """Return the HTTP status of an error: that of its nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
