"""Errors of messages that are not valid CloudEvents."""


class MalformedEventError(ValueError):
    """A message claims to be a CloudEvent and is invalid; the text says why."""


class UnsupportedMessageError(MalformedEventError):
    """A message has an event format or a content coding that is not supported; over HTTP that is a 415."""
