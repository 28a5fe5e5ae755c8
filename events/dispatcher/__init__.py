"""The dispatcher: pulls events from the log and delivers each to the subscriber of its Trigger."""
