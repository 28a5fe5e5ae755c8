"""HTTP: the route adapter, requests, sessions, idempotency keys, pages of lists."""
