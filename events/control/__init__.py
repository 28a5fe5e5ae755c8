"""The control plane: Brokers and Triggers as the Kubernetes API has them, and their status, reported there."""
