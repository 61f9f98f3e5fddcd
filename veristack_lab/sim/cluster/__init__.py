"""Raft in the simulator: a whole cluster, its scenarios, and its promises at every event."""
