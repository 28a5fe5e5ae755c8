"""A small strict stand-in for the Stripe API, for machines that cannot or should not reach it.

It does what https://docs.stripe.com/api and https://docs.stripe.com/testing say of payment intents, refunds, idempotent
requests and webhooks, as far as a shop needs them; what it does not know, it refuses. `/test/…` tells it how to behave.
"""
