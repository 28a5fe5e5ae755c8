"""Filters of Triggers: the subscriptions dialects and CESQL."""
