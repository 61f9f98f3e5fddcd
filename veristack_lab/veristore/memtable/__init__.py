"""The map in memory, its views, and the snapshots that are made of it."""
