"""What every process of the data plane needs: NATS connection, publisher, health, logs, metrics."""
