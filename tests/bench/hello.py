"""The least that functions-framework can serve: what the functions are compared with."""

import functions_framework
from flask import Request


@functions_framework.http
def hello(_: Request) -> str:
    """Always the same."""
    return "ok"
