"""What every process around the log needs: NATS connection, publisher, health, logs, metrics."""
