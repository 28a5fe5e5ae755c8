"""The ingress: events into a Broker over HTTP, answered once they are stored."""

from events.ingress.server import Ingress

__all__ = ["Ingress"]
