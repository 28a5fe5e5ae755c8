"""The outbox relay: publishes what services committed to their outboxes."""
