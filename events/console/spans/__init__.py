"""Spans that processes of this machine send by OTLP: taken, kept in memory within bounds, shown, and given on."""

from events.console.spans.routes import Spans

__all__ = ["Spans"]
