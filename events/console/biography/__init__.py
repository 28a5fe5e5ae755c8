"""One order's biography: every event, delivery, retry, schedule, charge and refund, in plain words."""

from events.console.biography.collect import Biographer
from events.console.biography.model import Biography, Delivery, Entry, Scheduled

__all__ = ["Biographer", "Biography", "Delivery", "Entry", "Scheduled"]
