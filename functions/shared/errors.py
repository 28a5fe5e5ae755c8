"""The one table of errors: what is refused, with which status and which words.

Domain code raises these; the HTTP and the event adapter turn them into answers. Anything else that is raised is a
fault of ours: 500, `Something went wrong`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with a request; `field` names the bad field, if it is one."""

    message: str
    field: str | None = None


class ApiError(Exception):
    """A request that is answered with an error and has changed nothing."""

    message = "Something went wrong"

    def __init__(self, message: str | None = None) -> None:
        self.problems = [FieldError(message or self.message)]
        super().__init__(self.problems[0].message)


class NotAuthorized(ApiError):
    """Nobody is signed in, or somebody who does not own what they ask for."""

    message = "Not authorized"


class NotFound(ApiError):
    """What the path or the body names does not exist."""

    message = "Not Found"


class RuleBroken(ApiError):
    """A rule of the business forbids it; each service's domain names its rules as subclasses."""


class PaymentRequired(ApiError):
    """The card was not charged."""


class InvalidFields(ApiError):
    """One or more fields are bad; all of them are told at once."""

    def __init__(self, problems: list[FieldError]) -> None:
        super().__init__(", ".join(problem.message for problem in problems))
        self.problems = problems


class InvalidField(Exception):
    """One value is bad. Raised by parsers, collected by whoever reads the fields."""


class MalformedBody(ApiError):
    """The body cannot be read at all."""

    message = "Body must be a JSON object"


class NotACloudEvent(ApiError):
    """A CloudEvent was expected or announced, and this is none."""

    message = "Body must be a CloudEvents 1.0 event"


class TooLarge(ApiError):
    """The body is over the limit."""

    message = "Payload Too Large"


class UnsupportedMediaType(ApiError):
    """The body is something else than JSON."""

    message = "Content-Type must be application/json"


class MalformedKey(ApiError):
    """The Idempotency-Key cannot be read."""

    message = "Idempotency-Key must be a string of 1 to 255 visible ASCII characters"


class KeyReused(ApiError):
    """The Idempotency-Key came before, with another body."""

    message = "Idempotency-Key was used with another body"


class InProgress(ApiError):
    """The same is being done for an earlier request: ask again later."""

    message = "A request with this Idempotency-Key is in progress"


class NotYet(ApiError):
    """An event came before its time: deliver it again later."""

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
    InProgress: 409,
    NotYet: 409,
    TooLarge: 413,
    UnsupportedMediaType: 415,
    KeyReused: 422,
    NotUnderstood: 422,
}


def status_of(refusal: ApiError) -> int:
    """The HTTP status of a refusal: that of the nearest kind in the table."""
    return next(STATUS[kind] for kind in type(refusal).__mro__ if kind in STATUS)
