"""What Broker and Trigger mean to us: shared by ingress, dispatcher and controller."""
