"""CloudEvents: the event itself, its JSON format, and the TTL of a Broker."""
