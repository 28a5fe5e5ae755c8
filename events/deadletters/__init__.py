"""Dead letters: events that a Trigger could not deliver, kept with the reason until a person replays or purges them."""

from events.deadletters.store import DeadLetter, DeadLetters, UnboundTriggerError, with_error

__all__ = ["DeadLetter", "DeadLetters", "UnboundTriggerError", "with_error"]
