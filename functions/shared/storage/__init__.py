"""The database of a service and its transactions."""
