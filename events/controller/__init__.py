"""The control plane: reads Brokers and Triggers from the Kubernetes API and writes their status there.

While the API cannot be reached, deliveries go on with what it last returned; a process that starts in that time
delivers nothing until the API is back.
"""
