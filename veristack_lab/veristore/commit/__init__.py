"""Group commit: when a write is durable, and how its caller is notified."""
