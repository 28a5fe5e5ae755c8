"""Events in and out of a function: the reaction adapter, delivery signatures, the outbox."""
