"""The control plane: Brokers and Triggers as the Kubernetes API has them, and their status, reported there.

What the API has told stays in use while it is away; a process that starts meanwhile delivers nothing until it is back.
"""
