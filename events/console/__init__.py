"""The console: one page that shows the system live, and answers what happened to an order."""
